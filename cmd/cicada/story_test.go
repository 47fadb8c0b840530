package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"cicada/control"
	"cicada/identity"
	"cicada/swarm"
	"cicada/trace"
)

// storyPatience is how long a story waits for what it wants: long, as it says nothing
// about speed.
const storyPatience = 30 * time.Second

// A stand is a running peer of a story.
type stand struct {
	folder string
	client *control.Client
	status control.Status
}

// stands returns the peers that run with these folders.
func stands(ts *testscript.TestScript, ctx context.Context, folders []string) (all []*stand) {
	for _, folder := range folders {
		s := &stand{folder: folder, client: control.NewClient(filepath.Join(ts.MkAbs(folder), socketFile))}
		var err error
		s.status, err = s.client.Status(ctx)
		ts.Check(err)
		all = append(all, s)
	}
	return all
}

// everyPair FOLDER... has every peer send to every other, by its ID and by its
// host:port, and fails unless each message arrives at exactly that peer, once.
func everyPair(ts *testscript.TestScript, negated bool, folders []string) {
	if negated || len(folders) < 2 {
		ts.Fatalf("usage: everyPair FOLDER...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), storyPatience)
	defer cancel()
	all := stands(ts, ctx, folders)
	got := make([][]string, len(all))
	errs := make([]error, len(all))
	var receiving sync.WaitGroup
	for i, s := range all {
		receiving.Go(func() {
			errs[i] = s.client.Receive(ctx, 2*(len(all)-1), func(r control.Received) error {
				got[i] = append(got[i], fmt.Sprint(r.From, ": ", r.Data))
				return nil
			})
		})
	}
	want := make([][]string, len(all))
	for _, from := range all {
		for i, to := range all {
			if from == to {
				continue
			}
			for _, target := range []string{to.status.ID.String(), to.status.Address.String()} {
				data := fmt.Sprintf("from %s to %s", from.folder, target)
				sent, err := from.client.Send(ctx, target, []byte(data), swarm.SendOptions{}, 0)
				if err != nil || !sent.Delivered || sent.To != to.status.ID {
					ts.Fatalf("%s: got %+v, %v", data, sent, err)
				}
				want[i] = append(want[i], fmt.Sprint(from.status.ID, ": ", data))
			}
		}
	}
	receiving.Wait()
	for i, s := range all {
		slices.Sort(got[i])
		slices.Sort(want[i])
		if errs[i] != nil || !slices.Equal(got[i], want[i]) {
			ts.Fatalf("%s received %q, %v, want %q", s.folder, got[i], errs[i], want[i])
		}
		if n := s.count(ctx); n != uint64(len(want[i])) {
			ts.Fatalf("%s: %d messages were delivered, want %d", s.folder, n, len(want[i]))
		}
	}
}

func (s *stand) count(ctx context.Context) uint64 {
	status, err := s.client.Status(ctx)
	if err != nil {
		return 0
	}
	return status.Counters.Delivered
}

// hopsTraced LEAST FILE... fails unless the traces show messages that were
// delivered after LEAST links, were passed on by one peer less, and were opened by
// their targets alone.
func hopsTraced(ts *testscript.TestScript, negated bool, arguments []string) {
	if negated || len(arguments) < 2 {
		ts.Fatalf("usage: hopsTraced LEAST FILE...")
	}
	least, err := strconv.Atoi(arguments[0])
	ts.Check(err)
	type journey struct {
		passed, opened []identity.ID
		target         identity.ID
		hops           int
	}
	journeys := make(map[trace.MessageID]*journey)
	for _, name := range arguments[1:] {
		file, err := os.Open(ts.MkAbs(name))
		ts.Check(err)
		defer file.Close()
		in := trace.NewReader(file)
		for {
			e, err := in.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			ts.Check(err)
			j := journeys[e.Message]
			if j == nil {
				j = &journey{}
				journeys[e.Message] = j
			}
			switch {
			case e.Kind == trace.CopyForwarded && (e.Name == "message" || e.Name == "first"):
				j.passed = append(j.passed, e.Peer)
			case e.Kind == trace.Opened:
				j.opened = append(j.opened, e.Peer)
			case e.Kind == trace.Delivered:
				j.target, j.hops = e.Peer, e.Hops
			}
		}
	}
	far := 0
	for message, j := range journeys {
		if j.hops < least {
			continue
		}
		far++
		if len(j.passed) < j.hops-1 || slices.Contains(j.passed, j.target) || slices.ContainsFunc(j.opened, func(id identity.ID) bool { return slices.Contains(j.passed, id) }) {
			ts.Fatalf("message %s: delivered after %d hops, passed on by %v, opened by %v", message, j.hops, j.passed, j.opened)
		}
	}
	if far == 0 {
		ts.Fatalf("no message was delivered after %d hops and more", least)
	}
	ts.Logf("%d messages were delivered after %d hops and more", far, least)
}

// relay PORT TO FILE [BACK] passes on what comes to a port, to another one and back, and
// keeps what the first that connects says, and what it is told.
func relay(ts *testscript.TestScript, negated bool, arguments []string) {
	if negated || len(arguments) < 3 || len(arguments) > 4 {
		ts.Fatalf("usage: relay PORT TO FILE [BACK]")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+arguments[0])
	ts.Check(err)
	file, err := os.Create(ts.MkAbs(arguments[2]))
	ts.Check(err)
	back := io.Discard
	if len(arguments) == 4 {
		other, err := os.Create(ts.MkAbs(arguments[3]))
		ts.Check(err)
		ts.Defer(func() { other.Close() })
		back = other
	}
	ts.Defer(func() {
		listener.Close()
		file.Close()
	})
	go func() {
		from, err := listener.Accept()
		if err != nil {
			return
		}
		defer from.Close()
		to, err := net.Dial("tcp", "127.0.0.1:"+arguments[1])
		if err != nil {
			return
		}
		defer to.Close()
		go func() { _, _ = io.Copy(io.MultiWriter(from, back), to) }()
		_, _ = io.Copy(io.MultiWriter(to, file), from)
	}()
}

// replay FILE PORT says to a peer what FILE holds, waits until it hangs up, and
// keeps as $REPLAYED the address that this came from.
func replay(ts *testscript.TestScript, negated bool, arguments []string) {
	if negated || len(arguments) != 2 {
		ts.Fatalf("usage: replay FILE PORT")
	}
	heard := ts.ReadFile(arguments[0])
	if len(heard) < 500 {
		ts.Fatalf("%s has %d bytes, which is no handshake", arguments[0], len(heard))
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+arguments[1])
	ts.Check(err)
	defer conn.Close()
	ts.Check(conn.SetDeadline(time.Now().Add(storyPatience)))
	ts.Setenv("REPLAYED", conn.LocalAddr().String())
	_, err = io.WriteString(conn, heard)
	if err == nil {
		_, err = io.Copy(io.Discard, conn)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		ts.Fatalf("the peer went on listening")
	}
}

// traceHash NAME keeps the trace hash in the JSON object on stdout as an environment
// variable.
func traceHash(ts *testscript.TestScript, negated bool, arguments []string) {
	var object struct {
		TraceHash string `json:"trace_hash"`
	}
	err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &object)
	if negated || len(arguments) != 1 || err != nil || object.TraceHash == "" {
		ts.Fatalf("usage: traceHash NAME, after a simulation with --json: %v", err)
	}
	ts.Setenv(arguments[0], object.TraceHash)
}
