// Command conformance drives the client by the protocol of conformance/README.md: one JSON object per line, on standard
// input and output.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
)

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// object is what a line holds.
type object = map[string]any

// serve answers until the input ends, whatever is open then.
func serve(from io.Reader, to io.Writer) error {
	var mu sync.Mutex
	write := func(line object) {
		mu.Lock()
		defer mu.Unlock()
		if err := json.NewEncoder(to).Encode(line); err != nil {
			fmt.Fprintln(os.Stderr, "conformance:", err)
		}
	}
	driver := newDriver(write)
	reader := bufio.NewReader(from)
	for {
		line, err := reader.ReadBytes('\n')
		if len(line) > 0 {
			var request request
			if err := json.Unmarshal(line, &request); err != nil {
				return fmt.Errorf("a line that is no request: %w", err)
			}
			driver.begin(request, write)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
