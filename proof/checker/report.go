package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

type report struct {
	Verdict   verdict   `json:"verdict"`
	Porcupine string    `json:"porcupine"`
	Keys      int       `json:"keys"`
	Calls     int       `json:"calls"`
	Unknown   int       `json:"unknown"`
	Share     float64   `json:"unknown_share"`
	Ms        int64     `json:"ms"`
	Moved     int64     `json:"clocks_moved_us"`
	Found     []suspect `json:"violations"`
	Open      []suspect `json:"undecided"`
}

// A key that is not legal, or not known to be.
type suspect struct {
	Tenant string   `json:"tenant"`
	Scope  string   `json:"scope"`
	Key    string   `json:"key"`
	Calls  int      `json:"calls"`
	Where  string   `json:"where,omitempty"`
	Prefix []string `json:"prefix,omitempty"`
	HTML   string   `json:"html,omitempty"`
}

func (r *report) writeJSON(to io.Writer) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

const prefixShown = 12

func (r *report) write(to io.Writer) {
	fmt.Fprintf(to, "%s: %d keys, %d calls, %.2f %% of them without an answer, %d ms (porcupine %s)\n",
		r.Verdict, r.Keys, r.Calls, 100*r.Share, r.Ms, r.Porcupine)
	if r.Moved > 0 {
		fmt.Fprintf(to, "The clocks moved against each other by %d us, and no mark says so: times are judged less strictly by that.\n", r.Moved)
	}
	for _, s := range r.Found {
		fmt.Fprintf(to, "\nviolation at %s: no order of %d calls explains the last answer\n", s.name(), len(s.Prefix))
		shown := s.Prefix
		if len(shown) > prefixShown {
			fmt.Fprintf(to, "  ... %d before\n", len(shown)-prefixShown)
			shown = shown[len(shown)-prefixShown:]
		}
		for _, line := range shown {
			fmt.Fprintf(to, "  %s\n", line)
		}
		if s.HTML != "" {
			fmt.Fprintf(to, "  drawn in %s\n", s.HTML)
		}
	}
	for _, s := range r.Open {
		fmt.Fprintf(to, "\nundecided: %s, %d calls: too many orders for the time given (--timeout)\n", s.name(), s.Calls)
	}
}

func (s *suspect) name() string { return fmt.Sprintf("%s / %s / %s", s.Tenant, s.Scope, s.Key) }

func (o *Operation) describe() string {
	if o.Mark != "" {
		return o.Mark
	}
	var told []string
	in, out := &o.Input, &o.Output
	switch o.Op {
	case "claim":
		told = append(told, short(in.ClaimID), word(in.Intent, "execute"), word(in.Reuse, "replay-all"))
	case "heartbeat":
		told = append(told, "fence "+itoa(in.Fence))
	case "complete":
		told = append(told, "fence "+itoa(in.Fence), short(in.Result))
	case "fail":
		told = append(told, "fence "+itoa(in.Fence), in.Kind)
	}
	call := o.Op + "(" + joined(told) + ")"
	if o.isUnknown() {
		return call + " -> no answer: " + out.Code
	}
	told = []string{out.Kind, out.Reason, out.State}
	if out.Fence != 0 {
		told = append(told, "fence "+itoa(out.Fence))
	}
	if out.Attempt != 0 {
		told = append(told, fmt.Sprintf("attempt %d", out.Attempt))
	}
	told = append(told, short(out.Result), short(out.Error))
	if out.AlreadyApplied {
		told = append(told, "already applied")
	}
	if out.Late {
		told = append(told, "late")
	}
	return call + " -> " + joined(told)
}

// As it was known at an instant.
func (o *Operation) describeBy(ns int64) string {
	if o.isUnknown() || *o.ReturnNs <= ns {
		return o.describe()
	}
	call, _, _ := strings.Cut(o.describe(), " -> ")
	return call + " -> still open then"
}

func (e *event) describe() string {
	switch {
	case e.mark != nil:
		return e.mark.describe()
	case e.op == nil:
		return fmt.Sprintf("from here on call %d may take effect", e.pending)
	}
	return e.op.describe()
}

func (s State) describe() string {
	if s.phase == absent {
		return "absent"
	}
	lease := fmt.Sprintf("%s, fence %d, attempt %d, %s", phaseNames[s.phase], s.fence, s.attempt, short(s.claim))
	if s.isGhost {
		lease += ", nobody was told its token"
	}
	if s.hasSuspect {
		lease += fmt.Sprintf(", suspect fence %d", s.suspectFence)
	}
	return lease
}

func short(text string) string {
	if len(text) > 12 {
		return text[:12]
	}
	return text
}

func word(text, usual string) string {
	if text == usual {
		return ""
	}
	return text
}

func joined(words []string) string {
	var kept []string
	for _, each := range words {
		if each != "" {
			kept = append(kept, each)
		}
	}
	return strings.Join(kept, ", ")
}
