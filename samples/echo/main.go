// Command echo is two peers: one sends back what the other sends it. See README.md.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"cicada/swarm"
)

func main() {
	if len(os.Args) == 2 {
		fmt.Fprintln(os.Stderr, "usage: echo [ADDRESS TEXT...]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	peer, err := swarm.Listen(ctx, swarm.Config{Address: "127.0.0.1:0"})
	if err != nil {
		log.Fatal(err)
	}
	if len(os.Args) > 2 {
		err = ask(ctx, peer, os.Args[1], strings.Join(os.Args[2:], " "))
	} else {
		err = answer(ctx, peer)
	}
	leaving, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	_ = peer.Leave(leaving)
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// answer sends every message back to whoever sent it.
func answer(ctx context.Context, peer *swarm.Peer) error {
	fmt.Printf("In another terminal: go run ./samples/echo %v hello\n", peer.Address())
	for {
		message, err := peer.Receive(ctx)
		if err != nil {
			return err
		}
		_, err = peer.Send(ctx, message.From, message.Data, swarm.SendOptions{})
		log.Printf("%s says %q; sent back: %t", message.From.Short(), message.Data, err == nil)
	}
}

// ask joins the peer at address, sends it text and prints what comes back.
func ask(ctx context.Context, peer *swarm.Peer, address, text string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // for all of it
	defer cancel()
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
	for {
		echo, err := peer.Receive(ctx)
		if err != nil {
			return fmt.Errorf("no echo: %w", err)
		}
		if echo.From == target { // anybody may send to us
			fmt.Printf("%s echoes %q\n", echo.From.Short(), echo.Data)
			return nil
		}
	}
}
