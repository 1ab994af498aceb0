package holdfast_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The example is run as it is printed, in a module of its own. Only the server's address is another one, and the order's,
// so that it is new.
func TestTheExampleOfTheReadmeRunsAsPrinted(t *testing.T) {
	address := serverAddress(t)
	readme, err := os.ReadFile("README.md")
	check(t, err)
	_, rest, _ := strings.Cut(string(readme), "```go\n")
	example, _, isThere := strings.Cut(rest, "```\n")
	if !isThere || !strings.Contains(example, `"127.0.0.1:7400"`) || !strings.Contains(example, `"order-42"`) {
		t.Fatal("the README has no such example")
	}
	example = strings.Replace(example, "127.0.0.1:7400", address, 1)
	order := "order-" + named(t).Key
	example = strings.Replace(example, "order-42", order, 1)

	here, err := os.Getwd()
	check(t, err)
	folder := t.TempDir()
	module, err := os.ReadFile("go.mod")
	check(t, err)
	const path = "github.com/holdfast-dev/holdfast/clients/go"
	text := strings.Replace(string(module), "module "+path, "module example", 1)
	text += "\nrequire " + path + " v0.0.0\nreplace " + path + " => " + here + "\n"
	check(t, os.WriteFile(filepath.Join(folder, "go.mod"), []byte(text), 0o600))
	sums, err := os.ReadFile("go.sum")
	check(t, err)
	check(t, os.WriteFile(filepath.Join(folder, "go.sum"), sums, 0o600))
	check(t, os.WriteFile(filepath.Join(folder, "main.go"), []byte(example), 0o600))

	for _, replayed := range []string{"false", "true"} {
		run := exec.CommandContext(t.Context(), "go", "run", "-mod=mod", ".")
		run.Dir = folder
		output, err := run.CombinedOutput()
		if want := "ch_" + order + ", replayed: " + replayed + "\n"; err != nil || string(output) != want {
			t.Errorf("%s, %v; it should be %s", output, err, want)
		}
	}
}
