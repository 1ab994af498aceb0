package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	opened    = `{"v":1,"op":"claim","id":"1 1","client":"c","call_ns":1000000,"return_ns":null,"scope":"s","key":"k","input":{"claim_id":"a","lease_ms":1000,"intent":"execute","reuse":"replay-all","policy":{"result_retention_ms":60000}},"output":{"kind":"unknown"}}`
	acquired1 = `{"v":1,"op":"claim","id":"1 1","client":"c","call_ns":1000000,"return_ns":2000000,"scope":"s","key":"k","input":{"claim_id":"a","lease_ms":1000,"intent":"execute","reuse":"replay-all","policy":{"result_retention_ms":60000}},"output":{"kind":"acquired","reason":"new","token":"t","fence":10,"attempt":1,"expires_us":1001000},"server_time_us":1000}`
	acquired2 = `{"v":1,"op":"claim","client":"d","call_ns":5000000,"return_ns":6000000,"scope":"s","key":"k","input":{"claim_id":"b","lease_ms":1000,"intent":"execute","reuse":"replay-all","policy":{"result_retention_ms":60000}},"output":{"kind":"acquired","reason":"new","token":"u","fence":20,"attempt":1,"expires_us":1005000},"server_time_us":5000}`
)

func checked(t *testing.T, lines ...string) (int, string, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "calls.ndjson")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, complaints strings.Builder
	code := run([]string{"--json", path}, &out, &complaints)
	return code, out.String(), complaints.String()
}

func TestTheEndOfTheProgramSaysWhatWasFound(t *testing.T) {
	for _, each := range []struct {
		name  string
		lines []string
		code  int
	}{
		{"a legal history", []string{acquired1, ""}, 0},
		{"a violation", []string{acquired1, acquired2, ""}, 1},
		{"half a line at the end, of a process that was killed", []string{acquired1, acquired2[:100]}, 0},
		{"half a line in between", []string{acquired2[:100], acquired1, ""}, 2},
		{"another version", []string{strings.Replace(acquired1, `"v":1`, `"v":2`, 1), ""}, 2},
		{"nothing at all", []string{""}, 2},
	} {
		t.Run(each.name, func(t *testing.T) {
			code, _, complaints := checked(t, each.lines...)
			if code != each.code {
				t.Errorf("ends with %d, and should with %d: %s", code, each.code, complaints)
			}
			if (complaints != "") != (each.code == 2) {
				t.Errorf("complains: %q", complaints)
			}
		})
	}
}

func TestTheLineOfAJournalIsReplacedByTheOneWithTheAnswer(t *testing.T) {
	code, out, _ := checked(t, opened, acquired1, "")
	var told report
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		t.Fatal(err)
	}
	if code != 0 || told.Calls != 1 || told.Unknown != 0 {
		t.Errorf("ends with %d: %s", code, out)
	}
}

func TestAViolationNamesTheLineAndIsDrawn(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, "calls.ndjson")
	if err := os.WriteFile(path, []byte(acquired1+"\n"+acquired2+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, complaints strings.Builder
	if code := run([]string{"--visualize", directory, path}, &out, &complaints); code != 1 {
		t.Fatalf("ends with %d: %s", code, complaints.String())
	}
	if !strings.Contains(out.String(), "calls.ndjson:2 d claim(b) -> acquired") {
		t.Errorf("does not name the line: %s", out.String())
	}
	if _, err := os.Stat(filepath.Join(directory, "violation-1.html")); err != nil {
		t.Error(err)
	}
}

func TestBadFlagsAreRefusedByName(t *testing.T) {
	for _, each := range []struct {
		args []string
		says string
	}{
		{nil, "no FILE was named"},
		{[]string{"--timeout", "0s", "x"}, "--timeout takes a time above 0"},
		{[]string{"--depth", "x"}, "-depth"},
		{[]string{"/nowhere"}, "/nowhere"},
	} {
		var out, complaints strings.Builder
		if code := run(each.args, &out, &complaints); code != 2 || !strings.Contains(complaints.String(), each.says) {
			t.Errorf("%v ends with %d: %s", each.args, code, complaints.String())
		}
	}
}
