// Checks histories of calls on records: whether for every key there is an order of its calls, each within the time that
// it was open, under which every answer is the one that the contract gives.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

const usage = `Checks histories of calls on records against the contract's model, key by key, with porcupine.

usage: holdfast-check [--json] [--visualize DIR] [--timeout 60s] FILE...

  --json           one JSON object on standard output instead of text
  --visualize DIR  draw each violation into DIR as a page of HTML
  --timeout TIME   for each search of one key; what takes longer is undecided (default 60s)

All files together are one history: those of the client processes of one host.
Ends with 0 if every key is legal, with 1 if one is not, with 2 if nothing could be said or of a key nothing is known.
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, complaints io.Writer) int {
	flags := flag.NewFlagSet("holdfast-check", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	asJSON := flags.Bool("json", false, "")
	directory := flags.String("visualize", "", "")
	timeout := flags.Duration("timeout", time.Minute, "")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		return 0
	}
	if err == nil && flags.NArg() == 0 {
		err = errors.New("no FILE was named")
	}
	if err == nil && *timeout <= 0 {
		err = errors.New("--timeout takes a time above 0, such as 90s")
	}
	var told *report
	if err == nil {
		told, err = check(flags.Args(), *directory, *timeout)
	}
	if err == nil && *asJSON {
		err = told.writeJSON(out)
	} else if err == nil {
		told.write(out)
	}
	if err != nil {
		fmt.Fprintf(complaints, "holdfast-check: %v\nSee holdfast-check --help\n", err)
		return 2
	}
	return map[verdict]int{legal: 0, illegal: 1, undecided: 2}[told.Verdict]
}

func check(files []string, directory string, timeout time.Duration) (*report, error) {
	began := time.Now()
	h, err := openHistory(files)
	if err != nil {
		return nil, err
	}
	defer h.close()
	if len(h.spots) == 0 {
		return nil, errors.New("the files hold no calls")
	}
	j := &judge{marks: h.marks, clocks: h.clocks, timeout: timeout}
	judged, err := j.all(h)
	if err != nil {
		return nil, err
	}
	told := &report{
		Verdict: legal, Porcupine: porcupineVersion(), Keys: len(h.spots), Calls: h.calls, Unknown: h.unknown,
		Share: float64(h.unknown) / float64(h.calls), Moved: h.clocks.movedUs, Found: []suspect{}, Open: []suspect{},
	}
	for _, found := range judged {
		s := suspect{Tenant: found.key.tenant, Scope: found.key.scope, Key: found.key.key, Calls: found.calls}
		switch found.verdict {
		case illegal:
			last := found.prefix[len(found.prefix)-1]
			for _, op := range found.prefix {
				s.Prefix = append(s.Prefix, op.place+" "+op.Client+" "+op.describeBy(*last.ReturnNs))
			}
			s.Where = last.place
			if directory != "" {
				if s.HTML, err = j.draw(found, directory, len(told.Found)+1); err != nil {
					return nil, err
				}
			}
			told.Found = append(told.Found, s)
			told.Verdict = illegal
		case undecided:
			told.Open = append(told.Open, s)
			if told.Verdict == legal {
				told.Verdict = undecided
			}
		}
	}
	told.Ms = time.Since(began).Milliseconds()
	return told, nil
}

// The keys beside each other, the longest first; the answer in the order of their names.
func (j *judge) all(h *History) ([]judgement, error) {
	names := slices.SortedFunc(maps.Keys(h.spots), func(a, b recordKey) int { return len(h.spots[b]) - len(h.spots[a]) })
	judged := make([]judgement, len(names))
	failures := make([]error, len(names))
	turns := make(chan int)
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range turns {
				calls, err := h.read(names[i])
				judged[i], failures[i] = j.key(names[i], calls), err
			}
		}()
	}
	for i := range names {
		turns <- i
	}
	close(turns)
	workers.Wait()
	slices.SortFunc(judged, func(a, b judgement) int {
		return cmp.Or(cmp.Compare(a.key.tenant, b.key.tenant), cmp.Compare(a.key.scope, b.key.scope), cmp.Compare(a.key.key, b.key.key))
	})
	return judged, errors.Join(failures...)
}

// Draws the prefix with the longest orders that porcupine found for it.
func (j *judge) draw(found judgement, directory string, number int) (string, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return "", err
	}
	w := j.world(reach{depth: 1}, found.prefix)
	last := found.prefix[len(found.prefix)-1]
	_, info := porcupine.CheckOperationsVerbose(w.model(), j.events(found.prefix, *last.ReturnNs, false), j.timeout)
	path := filepath.Join(directory, fmt.Sprintf("violation-%d.html", number))
	return path, porcupine.VisualizePath(w.model(), info, path)
}

func porcupineVersion() string {
	if built, ok := debug.ReadBuildInfo(); ok {
		for _, module := range built.Deps {
			if module.Path == "github.com/anishathalye/porcupine" {
				return module.Version
			}
		}
	}
	return "of this module"
}
