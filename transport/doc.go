// Package transport carries frames between peers over links: TLS 1.3 with both
// ends proven by their Ed25519 key, and both proven members of the same swarm,
// over whatever Network moves the bytes.
//
//	links := transport.NewLinks(transport.Config{Key: key, Membership: swarm}, handler)
//	at, err := links.Listen(netip.MustParseAddrPort("[::]:49610"))
//	link, err := links.Send(contact, wire.FrameControl, nil, body) // dials where it must
//	if link != nil { link.Flush() }
//
// A connection goes through these steps, the dialler on the left:
//
//	ClientHello, ALPN cicada/1        ->
//	                                  <-  ServerHello … certificate, one, self-signed
//	certificate, one, self-signed     ->
//	FrameProof                        ->      bound to this TLS connection and to the role
//	                                  <-  FrameProof, and the link is up here
//	the link is up here
//	frames                            <->  frames
//	FrameClose                        ->      nothing follows it
//	                                  <-  what was queued, then FrameClose
//
// Between two peers there is one link. Where both dial at once, the peer with the
// lower ID closes the link that the other dialled. A link that closes for want of
// use, or because another one stays, delivers everything that either end had
// queued on it before.
//
// Each link has one goroutine, its reader. Writing is done by whoever flushes and
// never blocks: what the kernel does not take at once is kept, up to
// Limits.Backlog, and written by a goroutine that ends when it is done.
//
// This package does not know what frames mean, whom to link to, or what a ring
// is. Begin reading at Link and Handler in transport.go, then Links in links.go;
// carrier.go is where bytes meet the network.
package transport
