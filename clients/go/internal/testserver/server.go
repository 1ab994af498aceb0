// Package testserver gives tests a real server, and breaks the way to it.
package testserver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// ErrNone says that there is no server to be had on this machine.
var ErrNone = errors.New("left out: there is no Node.js with the packages of the repository (npm ci)")

// Server is at Address until Stop is called.
type Server struct {
	Address string
	Stop    func()
}

// Start gives the server at HOLDFAST_TEST_ADDRESS, or else starts the repository's own, with a Postgres that is gone
// afterwards.
func Start() (*Server, error) {
	if address := os.Getenv("HOLDFAST_TEST_ADDRESS"); address != "" {
		return &Server{Address: address, Stop: func() {}}, nil
	}
	root, err := repository()
	if err != nil {
		return nil, err
	}
	node := filepath.Join(root, "node_modules", ".bin", "node")
	if _, err := os.Stat(node); err != nil {
		return nil, ErrNone
	}
	data, err := os.MkdirTemp("", "holdfast-go-")
	if err != nil {
		return nil, err
	}
	// Postgres runs as somebody else where this runs as root.
	if err := os.Chmod(data, 0o755); err != nil {
		return nil, err
	}
	server, err := start(exec.Command(node, filepath.Join(root, "src", "main.ts"), "serve",
		"--data-dir", filepath.Join(data, "postgres"), "--log-format", "json", "--max-event-loop-delay", "off",
		"--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	stop := server.Stop
	server.Stop = func() {
		stop()
		os.RemoveAll(data)
	}
	return server, nil
}

// How long a start and a stop may take, on a busy machine.
const patience = 2 * time.Minute

func start(command *exec.Cmd) (*Server, error) {
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return nil, err
	}
	killer := time.AfterFunc(patience, func() { command.Process.Kill() })
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct{ Message, GRPC string }
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.Message != "listening" {
			continue
		}
		killer.Stop()
		read := make(chan struct{})
		go func() {
			defer close(read)
			for lines.Scan() {
			}
		}()
		return &Server{Address: line.GRPC, Stop: func() {
			killer.Reset(patience)
			command.Process.Signal(syscall.SIGTERM)
			<-read
			command.Wait()
			killer.Stop()
		}}, nil
	}
	return nil, fmt.Errorf("the server has ended: %w", command.Wait())
}

// repository is the folder above this one that holds the server.
func repository() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "src", "main.ts")); err == nil {
			return at, nil
		}
	}
	return "", ErrNone
}

// Vectors is the file of that name in conformance/vectors; ErrNone outside the repository.
func Vectors(name string) ([]byte, error) {
	root, err := repository()
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(root, "conformance", "vectors", name))
}
