package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cicada/control"
	"cicada/identity"
)

type upCommand struct {
	State string `placeholder:"DIR" help:"The peer's folder: its key, whom it knew, its socket. Without it, one for each port in the user's state folder."`
	peerFlags
}

// Help is shown by --help.
func (*upCommand) Help() string {
	return `The peer runs until it is interrupted, or told to leave. Other commands reach it by its folder: send, recv, bcast, lookup, status, peers, fingers, watch, leave.

Example: cicada up --bind 127.0.0.1:7001 --state /tmp/peer1 --no-port-mapping`
}

// Run runs a peer until it is interrupted or told to leave.
func (c *upCommand) Run(ctx context.Context, out *console) error {
	out.useJSON(c.JSON)
	if err := c.check(); err != nil {
		return err
	}
	folder, err := stateFolder(c.State, &c.peerFlags)
	if err != nil {
		return err
	}
	s, err := openState(folder, out.note)
	if err != nil {
		return err
	}
	defer s.close()
	key, err := c.key(ctx, s, out)
	if err != nil {
		return err
	}
	if c.Identity == "" {
		unlock, err := lockKey(s.path(identityFile))
		if err != nil {
			return err
		}
		defer unlock()
	}
	peer, err := c.open(ctx, out, key)
	switch {
	case errors.Is(err, identity.ErrDifficulty) && c.Identity == "":
		return &codedError{exitRefused, fmt.Errorf("the key in %s does not meet --difficulty %d; move that file away, and a new key is made, which is another identity",
			s.path(identityFile), c.Difficulty)}
	case err != nil:
		return err
	}
	if err := c.serve(ctx, s, peer, out); err != nil {
		return err
	}
	return ctx.Err() // an interrupt is no success
}

// key returns the key in the state folder, made now if there is none. It is not
// needed where --identity names another.
func (c *upCommand) key(ctx context.Context, s *state, out *console) (identity.PrivateKey, error) {
	if c.Identity != "" {
		return identity.PrivateKey{}, nil
	}
	key, missing, err := s.key()
	if missing {
		maker := idCommand{Identity: s.path(identityFile), Difficulty: c.Difficulty}
		key, err = maker.make(ctx, maker.Identity, out)
	}
	if err != nil {
		return key, (&idCommand{}).explain(err, s.path(identityFile))
	}
	return key, nil
}

// serve answers on the socket while the peer lives, and closes it then: first the
// peer, then the socket, and the folder's lock is let go last. Who waits for that can
// start the next peer, on the same port.
func (c *upCommand) serve(ctx context.Context, s *state, peer *running, out *console) error {
	listener, err := control.Listen(s.path(socketFile))
	if err != nil {
		return errors.Join(err, peer.end())
	}
	told, leave := context.WithCancel(ctx)
	defer leave()
	server := control.NewServer(peer.Peer, control.Config{Timeout: time.Duration(c.Timeout), Leave: leave})
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() {
		server.Close()
		<-served
	}()
	if err := c.live(told, s, peer, out); err != nil {
		return errors.Join(err, peer.end())
	}
	return peer.leave()
}

// live joins, and stays until ctx ends or a client says leave.
func (c *upCommand) live(ctx context.Context, s *state, peer *running, out *console) error {
	if len(c.Join) > 0 {
		err := peer.join(ctx, c.seeds(s))
		if ctx.Err() != nil { // told to leave, which is no failure of the join
			return nil
		}
		if err != nil {
			return err
		}
	}
	out.record(control.NewStatus(peer.Status()))
	out.say("peer     %s", peer.ID())
	out.say("listens  %s", peer.Address())
	out.say("state    %s", s.folder)
	c.stay(ctx, s, peer, out)
	return nil
}

// seeds returns where to look for the swarm: where it was told to, and where peers
// were that it knew.
func (c *upCommand) seeds(s *state) (all []string) {
	for _, seed := range slices.Concat(c.Join, s.memory.addresses()) {
		if !slices.Contains(all, seed) {
			all = append(all, seed)
		}
	}
	return all
}

// Times of a peer that runs.
const (
	lookEvery = time.Second / 2 // whether others are to be remembered, or looked for
	joinFor   = 5 * time.Second // of one attempt
)

// stay keeps the peer's memory of others, and looks for those it misses, until ctx
// ends.
func (c *upCommand) stay(ctx context.Context, s *state, peer *running, out *console) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	failed := false
	save := func(last bool) {
		if err := s.memory.save(time.Now(), last); err != nil && !failed {
			out.note("cicada: peers cannot be remembered for the next start: %v", err)
			failed = true // said once
		}
	}
	defer save(true)
	search := newSearch(time.Now())
	for ctx.Err() == nil {
		status := peer.Status()
		s.memory.learn(status)
		save(false)
		if seeds := search.next(time.Now(), status, c.seeds(s)); len(seeds) > 0 {
			trying, cancel := context.WithTimeout(ctx, joinFor)
			_ = peer.Join(trying, seeds...) // nobody there: a later round tries again
			cancel()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
