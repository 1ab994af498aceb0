package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
)

const formatVersion = 1

type recordKey struct{ tenant, scope, key string }

// All files of one history. Only where each line is stays in memory; the calls of a key are read when it is its turn.
type History struct {
	files   []*os.File
	spots   map[recordKey][]spot
	marks   []*Operation
	told    []reading
	calls   int
	unknown int
	clocks  *clocks
}

// Where a line is.
type spot struct {
	file, line int32
	length     int32
	at         int64
}

// What the first reading of a line keeps in mind.
type outline struct {
	Version      int    `json:"v"`
	Op           string `json:"op"`
	Mark         string `json:"mark"`
	ID           string `json:"id"`
	CallNs       int64  `json:"call_ns"`
	ReturnNs     *int64 `json:"return_ns"`
	FromNs       int64  `json:"from_ns"`
	ToNs         int64  `json:"to_ns"`
	Unswept      bool   `json:"unswept"`
	Tenant       string `json:"tenant"`
	Scope        string `json:"scope"`
	Key          string `json:"key"`
	ServerTimeUs *int64 `json:"server_time_us"`
	Output       struct {
		Kind string `json:"kind"`
	} `json:"output"`
}

func (o *outline) isUnknown() bool { return o.ReturnNs == nil || o.Output.Kind == "unknown" }

// Opens the files of all client processes of one host: their clocks are one.
func openHistory(names []string) (*History, error) {
	h := &History{spots: map[recordKey][]spot{}}
	journal := map[string]int{}
	for i, name := range names {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		h.files = append(h.files, file)
		if err := h.scan(int32(i), journal); err != nil {
			return nil, err
		}
	}
	h.clocks = compareClocks(h.told, h.marks)
	return h, nil
}

func (h *History) close() {
	for _, file := range h.files {
		file.Close()
	}
}

func (h *History) scan(file int32, journal map[string]int) error {
	from := bufio.NewReaderSize(h.files[file], 1<<20)
	where := spot{file: file, line: 1}
	for {
		line, err := from.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return err
		}
		isLast := err == io.EOF
		where.length = int32(len(line))
		if len(bytes.TrimSpace(line)) > 0 {
			// A process that was killed leaves half a line, and what it says was not heard by anybody.
			if err := h.note(line, where, journal); err != nil && !isLast {
				return fmt.Errorf("%s is no line of a history: %w", h.place(where), err)
			}
		}
		if isLast {
			return nil
		}
		where.at += int64(len(line))
		where.line++
	}
}

func (h *History) note(line []byte, where spot, journal map[string]int) error {
	var seen outline
	if err := json.Unmarshal(line, &seen); err != nil {
		return err
	}
	if seen.Version != formatVersion {
		return fmt.Errorf("version %d of the format; this program reads version %d", seen.Version, formatVersion)
	}
	if seen.Mark != "" {
		h.marks = append(h.marks, &Operation{Mark: seen.Mark, FromNs: seen.FromNs, ToNs: seen.ToNs, Unswept: seen.Unswept})
		return nil
	}
	if seen.ServerTimeUs != nil && !seen.isUnknown() {
		h.told = append(h.told, reading{seen.CallNs, *seen.ReturnNs, *seen.ServerTimeUs})
	}
	key := recordKey{seen.Tenant, seen.Scope, seen.Key}
	counts := seen.Op != "wait_snapshot"
	if at, ok := journal[seen.ID]; ok && seen.ID != "" {
		// The answer to a call that was written before it was sent.
		delete(journal, seen.ID)
		h.spots[key][at] = where
		if counts && !seen.isUnknown() {
			h.unknown--
		}
		return nil
	}
	if seen.ID != "" && seen.isUnknown() {
		journal[seen.ID] = len(h.spots[key])
	}
	h.spots[key] = append(h.spots[key], where)
	if counts {
		h.calls++
		if seen.isUnknown() {
			h.unknown++
		}
	}
	return nil
}

func (h *History) place(where spot) string {
	return fmt.Sprintf("%s:%d", h.files[where.file].Name(), where.line)
}

// The calls of a key that can be judged, by the time at which they were made.
func (h *History) read(key recordKey) ([]*Operation, error) {
	var calls []*Operation
	for _, where := range h.spots[key] {
		line := make([]byte, where.length)
		if _, err := h.files[where.file].ReadAt(line, where.at); err != nil && err != io.EOF {
			return nil, err
		}
		op := &Operation{place: h.place(where)}
		if err := json.Unmarshal(line, op); err != nil {
			return nil, fmt.Errorf("%s is no line of a history: %w", op.place, err)
		}
		calls = append(calls, op)
	}
	return prepared(calls, h.marks, h.clocks), nil
}

func prepared(calls []*Operation, marks []*Operation, clocks *clocks) []*Operation {
	judged := slices.DeleteFunc(calls, func(op *Operation) bool { return !op.isJudged() })
	slices.SortStableFunc(judged, func(a, b *Operation) int {
		if a.CallNs < b.CallNs {
			return -1
		}
		if a.CallNs > b.CallNs {
			return 1
		}
		return 0
	})
	for _, op := range judged {
		clocks.tell(op)
		op.wasDisturbed = slices.ContainsFunc(marks, func(mark *Operation) bool {
			return mark.Mark != "clock-step" && mark.FromNs <= op.returnOrNever() && mark.ToNs >= op.CallNs
		})
	}
	tellGrants(judged)
	return judged
}

// What each claim_id was given, for the claims of it whose answer was lost; and tokens that were given out twice.
func tellGrants(calls []*Operation) {
	ofClaim := map[string][]grant{}
	ofToken := map[string]*Operation{}
	for _, op := range calls {
		if op.Op != "claim" || op.Output.Kind != "acquired" {
			continue
		}
		granted := grant{op.Output.Token, op.Output.Fence}
		if first, ok := ofToken[granted.token]; ok {
			op.reused = first.Output.Fence != granted.fence || first.Input.ClaimID != op.Input.ClaimID
		} else {
			ofToken[granted.token] = op
			ofClaim[op.Input.ClaimID] = append(ofClaim[op.Input.ClaimID], granted)
		}
	}
	for _, op := range calls {
		if op.Op == "claim" {
			op.grants = ofClaim[op.Input.ClaimID]
		}
	}
}
