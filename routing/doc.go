// Package routing carries sealed messages over a ring: from the origin, through
// peers that nobody has to trust, to the target, and the receipt back. It also
// spreads broadcasts to every peer.
//
// It is a state machine. Feed it what arrives ([Core.Envelope], [Core.Ack], …),
// what the program wants ([Core.Send], [Core.Broadcast]) and the time
// ([Core.Tick]), then carry out the [Ready] it hands back. It opens no socket,
// reads no clock, starts no goroutine, takes no lock and does no cryptography but a hash:
// payloads are opaque, and what arrives is offered to the driver, which opens
// the seal and answers [Core.Accepted], [Core.Rejected], [Core.Outdated] or
// [Core.Postponed]: a driver that is too busy postpones, and is asked again when the same bytes come
// again. It does not keep the ring either: who is where comes from a [Ring].
//
// # How a message travels
//
// The origin hands each copy to another first hop, and where there are several, each
// goes only by peers of a colour of its own, so that no two share a hop; see colour.go. Every hop acknowledges the
// copy to the hop before as soon as it is responsible for it, keeps it until
// the next hop has done the same, and tries another peer where that does not
// happen in time. A hop that knows nobody left refuses, and the hop before
// tries its own next one. Each step is strictly nearer to the target, either
// way round, so nothing runs in circles. The target answers along the path of
// the first copy, and where there were duplicates also by a route of its own.
// An origin without receipt begins another round: new nonce, other first hops. It
// remembers for a while by which its copies got lost, see blame.go.
//
// # How a broadcast travels
//
// Each peer hands parts of its interval of the ring to peers inside, and answers for
// it to the one before: n-1 messages. Where a child is silent, one inside its
// interval, or beside it, has it at once, and is told of the silent; each of the
// dead is tried once, and each of the living has it once. Peers that were left out
// all the same, by a child that took its interval and passed nothing on, pull the
// broadcast from their neighbours seconds later, see pull.go.
//
// # Who can hurt whom
//
// Only bytes that are the same to the last bit count as a duplicate, so a
// forged copy never displaces a true one, neither on the way nor at the target.
// What a neighbour can make this peer remember is bounded in number and bytes,
// and the more it uses, the less it is given; see [Config.MaxEntries]. All that is
// relayed leaves a quarter for what this peer itself sends, hears and answers. What
// did not open gives way to what did, and to what is still to be opened, also under
// the same message ID; and a neighbour for which nothing is under way to one that
// is new.
//
// # What it does not do
//
// It does not lengthen a way by more than a hop to avoid a hostile peer: who is on the
// only way stays there. A peer that takes a part of a broadcast and lies about it is believed as to the count. Who is left
// out of a broadcast and has no honest neighbour that has it, or heard of it only
// after half a minute, does not get it.
//
// Begin reading at [Core], then forward.go, send.go, colour.go, blame.go, arrive.go, broadcast.go, spread.go,
// child.go and pull.go.
package routing
