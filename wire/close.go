package wire

// A Code says why a link was closed. It travels in the last frame.
type Code uint16

// The codes, their numbers as on the wire.
const (
	CodeNone       Code = 0  // no reason given: the connection just ended
	CodeLeaving    Code = 1  // the peer leaves the swarm
	CodeIdle       Code = 2  // nobody used the link
	CodeReplaced   Code = 3  // another link between the same two peers stays
	CodeOverloaded Code = 4  // too many links or handshakes; try later
	CodeProtocol   Code = 5  // a frame that breaks the wire's rules
	CodeVersion    Code = 6  // no common version
	CodeSwarm      Code = 7  // another swarm's name, difficulty or secret
	CodeRecord     Code = 8  // a record that is not valid
	CodeLimit      Code = 9  // a length, count or rate over its limit
	CodeTimeout    Code = 10 // an answer that was owed did not come
	CodeRefused    Code = 11 // the program does not allow this peer
)
