// Command echo is two peers: one sends back what the other sends it. See README.md.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"cicada/swarm"
)

func main() {
	if len(os.Args) != 1 && len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: echo [ADDRESS TEXT]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	peer, err := swarm.Listen(ctx, swarm.Config{Address: "127.0.0.1:0"})
	if err != nil {
		log.Fatal(err)
	}
	if len(os.Args) > 2 {
		err = ask(ctx, peer, os.Args[1], os.Args[2])
	} else {
		fmt.Printf("In another terminal: go run ./samples/echo %v hello\n", peer.Address())
		for message, err := peer.Receive(ctx); err == nil; message, err = peer.Receive(ctx) {
			_, err := peer.Send(ctx, message.From, message.Data, swarm.SendOptions{})
			log.Printf("%s says %q; sent back: %t", message.From.Short(), message.Data, err == nil)
		}
	}
	if _ = peer.Leave(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// ask joins the peer at address, sends it text and prints what comes back.
func ask(ctx context.Context, peer *swarm.Peer, address, text string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := peer.Join(ctx, address); err != nil {
		return err
	}
	target, err := peer.Resolve(ctx, address) // whose key answers there
	if err == nil {
		_, err = peer.Send(ctx, target, []byte(text), swarm.SendOptions{})
	}
	if err != nil {
		return err
	}
	echo, err := peer.Receive(ctx)
	if err == nil {
		fmt.Printf("%s echoes %q\n", echo.From.Short(), echo.Data)
	}
	return err
}
