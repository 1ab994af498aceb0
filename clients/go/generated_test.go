package holdfast_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestTheTypesOfTheReasonsAreThoseOfTheProto(t *testing.T) {
	const proto = "../../proto/holdfast/v1/errors.proto"
	if _, err := os.Stat(proto); err != nil {
		t.Skip("left out: there is no proto/")
	}
	file := filepath.Join(t.TempDir(), "errors_reasons.go")
	output, err := exec.CommandContext(t.Context(), "go", "run", "./internal/reasons", proto, file).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v", output, err)
	}
	made, err := os.ReadFile(file)
	check(t, err)
	committed, err := os.ReadFile("errors_reasons.go")
	check(t, err)
	if !bytes.Equal(made, committed) {
		t.Error("errors_reasons.go is not what ./generate.sh makes")
	}
}
