// Package swarm is what programs import: a Peer that joins a swarm and sends to,
// receives from, broadcasts to and looks up any other peer by its ID, through
// peers that nobody has to trust.
//
//	peer, err := swarm.Listen(ctx, swarm.Config{Address: "127.0.0.1:0"})
//	err = peer.Join(ctx, "203.0.113.7:49610")
//	receipt, err := peer.Send(ctx, target, []byte("hello!"), swarm.SendOptions{})
//	message, err := peer.Receive(ctx)
//
// A Peer drives two state machines that know nothing of sockets and clocks:
// chord, the ring, and routing, delivery over it. This package gives them links,
// time and randomness, and seals what travels, so that only the target can read
// it. It holds no rule of the ring or of routing itself.
//
// All methods of a Peer may be called concurrently. Begin reading at Peer in
// peer.go; drive.go is where the state machines meet the world.
package swarm
