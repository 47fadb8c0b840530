// Command echo is two peers: one sends back what it is sent, the other sends and
// prints what comes back. See README.md beside it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"

	"cicada/swarm"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, arguments []string) error {
	peer, err := swarm.Listen(ctx, swarm.Config{Address: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	defer peer.Leave(context.Background())
	if len(arguments) > 1 {
		return ask(ctx, peer, arguments[0], strings.Join(arguments[1:], " "))
	}
	fmt.Printf("In another terminal: go run ./samples/echo %v hello\n", peer.Address())
	for {
		message, err := peer.Receive(ctx)
		if err != nil {
			return err
		}
		_, err = peer.Send(ctx, message.From, message.Data, swarm.SendOptions{})
		log.Printf("%s says %q (error in sending it back: %v)", message.From.Short(), message.Data, err)
	}
}

// ask joins the peer at address, sends it text and prints what comes back.
func ask(ctx context.Context, peer *swarm.Peer, address, text string) error {
	if err := peer.Join(ctx, address); err != nil {
		return err
	}
	target, err := peer.Resolve(ctx, address) // whose key answers there
	if err != nil {
		return err
	}
	if _, err := peer.Send(ctx, target, []byte(text), swarm.SendOptions{}); err != nil {
		return err
	}
	echo, err := peer.Receive(ctx)
	fmt.Printf("%s echoes %q\n", echo.From.Short(), echo.Data)
	return err
}
