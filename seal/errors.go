package seal

import "errors"

// What can be wrong with an envelope, or with a call. Errors that methods return
// wrap one of these. None of them is the doing of this peer's program except
// ErrTooLarge, ErrHandle and, where Seal returns it, ErrTarget.
var (
	// ErrMalformed: the envelope cannot be of this format, whoever sealed it.
	ErrMalformed = errors.New("seal: malformed envelope")
	// ErrForged: the seal or the signature does not fit: the envelope was
	// altered, or was not made by the peer it must come from.
	ErrForged = errors.New("seal: seal does not fit")
	// ErrReplay: exactly these sealed bytes were opened before.
	ErrReplay = errors.New("seal: opened before")
	// ErrChallenge: a first message that is not accepted as it came: too old,
	// too new, possibly a replay, or sent without its data. Its origin has to
	// send the data under the session that the reply sets up.
	ErrChallenge = errors.New("seal: first message has to be sent again under its session")
	// ErrUnknownSession: sealed under a session this peer does not have.
	ErrUnknownSession = errors.New("seal: no such session")
	// ErrPending: sealed under a session whose handshake is not complete here, the
	// answer being on its way; or Config.Pairs cannot tell yet. The same envelope can
	// be opened later, or the same message sealed.
	ErrPending = errors.New("seal: too early: the session is not complete, or the keys are not known yet")
	// ErrStale: an answer to a handshake that is over or given up, or about a
	// session that the message is no longer sealed under.
	ErrStale = errors.New("seal: nothing waits for this answer")
	// ErrTarget: the envelope is for another peer; or a message cannot be sealed
	// to this ID, because it is the own one or no valid key.
	ErrTarget = errors.New("seal: wrong target")
	// ErrBusy: too many handshakes are under way. Try again once some were answered.
	ErrBusy = errors.New("seal: too many handshakes under way")
	// ErrTooLarge: the data is over MaxData, or the receipt over MaxReceipt.
	ErrTooLarge = errors.New("seal: too large")
	// ErrKeys: the two peers do not have the same keys for each other, in their
	// key files; which says the Discord that it wraps.
	ErrKeys = errors.New("seal: not the same keys at both ends")
	// ErrHandle: Answer was given a handle that no Open returned.
	ErrHandle = errors.New("seal: handle names no message")
)
