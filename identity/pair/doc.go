// Package pair reads key files: what two peers agreed upon beforehand, so that
// messages between them take more than their identities to read or to write.
//
// An entry names a peer, or an address where one answers, and two keys. What follows
// from these, for either end of a handshake, is the Entry's Secret; what to do with it
// is package seal's business. Who answers at an address has to be proven by whoever
// looks an entry up: this package opens no socket and asks no DNS, takes addresses as
// they are given, and tells what holds for them. Nothing that it returns prints a key,
// and no error quotes the file, for a key may stand where it does not belong.
//
// Begin reading at Load, then Keys.Find.
package pair
