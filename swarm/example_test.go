package swarm_test

import (
	"context"
	"fmt"

	"cicada/swarm"
)

// Two peers: ours joins a swarm that the other is already in, sends to the
// other's key, and reads what comes back.
func Example() {
	ctx := context.Background()
	other, err := swarm.Listen(ctx, swarm.Config{Address: "127.0.0.1:0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer other.Close()
	go echo(ctx, other)

	if err := hello(ctx, other); err != nil {
		fmt.Println(err)
	}
	// Output: "hello!" came back, proven to be from the peer it was sent to: true
}

func hello(ctx context.Context, other *swarm.Peer) error {
	target, address := other.ID(), other.Address().String()

	// begin README
	peer, err := swarm.Listen(ctx, swarm.Config{Address: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	defer peer.Close()
	if err := peer.Join(ctx, address); err != nil { // "host:port" of any peer of the swarm
		return err
	}
	// target is an identity.ID: from peer.Resolve, identity.ParseID or peer.LookupKey.
	if _, err := peer.Send(ctx, target, []byte("hello!"), swarm.SendOptions{}); err != nil {
		return err
	}
	message, err := peer.Receive(ctx) // message.From is proven, not claimed
	// end README

	if err != nil {
		return err
	}
	fmt.Printf("%q came back, proven to be from the peer it was sent to: %v\n", message.Data, message.From == target)
	return nil
}

// echo sends every message back to where it came from.
func echo(ctx context.Context, peer *swarm.Peer) {
	for {
		message, err := peer.Receive(ctx)
		if err != nil {
			return
		}
		if _, err := peer.Send(ctx, message.From, message.Data, swarm.SendOptions{}); err != nil {
			return
		}
	}
}
