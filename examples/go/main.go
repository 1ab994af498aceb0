// Run it twice, or in two terminals at once: `go run . [host:port]`
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os"

	"github.com/holdfast-dev/holdfast/clients/go"
)

type Order struct {
	ID       string `json:"id"`
	Amount   int    `json:"amount"`
	Currency string `json:"currency"`
}

type Charge struct {
	ChargeID string `json:"chargeId"`
	Amount   int    `json:"amount"`
}

func main() {
	address := "127.0.0.1:7400"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	client, err := holdfast.Dial(address)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	order := Order{ID: "order-1042", Amount: 4900, Currency: "EUR"}
	work := holdfast.Work{Scope: "charge", Key: order.ID, Input: order}
	done, err := holdfast.Once(context.Background(), client, work, func(ctx context.Context, a *holdfast.Attempt) (Charge, error) {
		fmt.Printf("charging %s: attempt %d, fence %d\n", order.ID, a.Number(), a.Fence())
		// The work. Give a.Fence() to what it changes, and ctx to what it waits for.
		return Charge{ChargeID: rand.Text(), Amount: order.Amount}, nil
	})
	if err != nil {
		log.Fatal(err)
	}
	when := "now:"
	if done.Replayed {
		when = "before:"
	}
	fmt.Println("charged", when, done.Value.ChargeID)
}
