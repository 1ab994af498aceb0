// Claims with their completions, by ghz's runner. ghz makes each call from a template that knows nothing of answers, and a
// completion needs the handle that its claim was answered with. So the runner sends completions, and for each of them asks
// this program for the message: it claims a new key, on connections of its own, and takes the handle of the answer.
// A caller of ghz waits for both before it begins again: the report's calls a second are pairs a second, and its latencies
// are those of the completions alone.
//
// With --rps it begins so many a second, whether or not those before have been answered, if the configuration is async.
//
//	pairs [--rps N] <config of ghz> <host:port> <duration>
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"sync/atomic"
	"time"

	"github.com/bojand/ghz/printer"
	"github.com/bojand/ghz/runner"
	"github.com/google/uuid"
	"github.com/jhump/protoreflect/desc"
	"github.com/jhump/protoreflect/dynamic"
	"github.com/jhump/protoreflect/dynamic/grpcdynamic"
	"google.golang.org/grpc"
)

const (
	connections  = 4
	claimTimeout = 20 * time.Second
)

var (
	digest = []byte("ghz-ghz-ghz-ghz-ghz-ghz-ghz-ghz-")
	body   = []byte(`{"id":"ch_3PqLx2","amount":4200,"currency":"eur","status":"succeeded"}`)
)

func main() {
	rps := flag.Uint("rps", 0, "of an open loop; else the configuration's")
	flag.Parse()
	if flag.NArg() != 3 {
		log.Fatal("usage: pairs [--rps N] <config of ghz> <host:port> <duration>")
	}
	config, address := flag.Arg(0), flag.Arg(1)
	duration, err := time.ParseDuration(flag.Arg(2))
	if err != nil {
		log.Fatal(err)
	}
	claimer, err := newClaimer(address)
	if err != nil {
		log.Fatal(err)
	}
	options := []runner.Option{
		runner.WithConfigFromFile(config),
		runner.WithRunDuration(duration),
		runner.WithBinaryDataFunc(claimer.completion),
	}
	if *rps > 0 {
		options = append(options, runner.WithRPS(*rps))
	}
	report, err := runner.Run("", address, options...)
	if err != nil {
		log.Fatal(err)
	}
	output := printer.ReportPrinter{Out: os.Stdout, Report: report}
	if err := output.Print("json"); err != nil {
		log.Fatal(err)
	}
}

type claimer struct {
	stubs []grpcdynamic.Stub
	next  atomic.Uint64
}

func newClaimer(address string) (*claimer, error) {
	made := &claimer{}
	for range connections {
		connection, err := grpc.Dial(address, grpc.WithInsecure())
		if err != nil {
			return nil, err
		}
		made.stubs = append(made.stubs, grpcdynamic.NewStub(connection))
	}
	return made, nil
}

// Claims a new key; the message that completes it. Without a claim there is no message, and the program ends: ghz would
// take what is empty for a call.
func (c *claimer) completion(complete *desc.MethodDescriptor, _ *runner.CallData) []byte {
	claim := complete.GetService().FindMethodByName("Claim")
	request := dynamic.NewMessage(claim.GetInputType())
	set(request, "key", map[string]any{"scope": "charge", "key": uuid.New().String()})
	set(request, "fingerprint", map[string]any{"algorithm": "jcs-sha256", "digest": digest})
	set(request, "owner", map[string]any{"service": "billing", "instance": "pod-7"})
	request.SetFieldByName("claim_id", uuid.New().String())

	ctx, cancel := context.WithTimeout(context.Background(), claimTimeout)
	defer cancel()
	stub := c.stubs[c.next.Add(1)%connections]
	answer, err := stub.InvokeRpc(ctx, claim, request)
	if err != nil {
		log.Fatalf("a claim was answered %v", err)
	}
	handle, err := handleOf(answer.(*dynamic.Message))
	if err != nil {
		log.Fatal(err)
	}
	message := dynamic.NewMessage(complete.GetInputType())
	message.SetFieldByName("handle", handle)
	set(message, "result", map[string]any{"inline": body, "content_type": "application/json"})
	bytes, err := message.Marshal()
	if err != nil {
		log.Fatal(err)
	}
	return bytes
}

func handleOf(answer *dynamic.Message) (any, error) {
	acquired, ok := answer.GetFieldByName("acquired").(*dynamic.Message)
	if !ok || acquired == nil {
		return nil, fmt.Errorf("a new key was answered %v", answer)
	}
	return acquired.GetFieldByName("lease").(*dynamic.Message).GetFieldByName("handle"), nil
}

// Sets a field that is a message.
func set(message *dynamic.Message, field string, values map[string]any) {
	inner := dynamic.NewMessage(message.FindFieldDescriptorByName(field).GetMessageType())
	for name, value := range values {
		inner.SetFieldByName(name, value)
	}
	message.SetFieldByName(field, inner)
}
