package trace_test

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"

	"cicada/identity"
	"cicada/trace"
)

// emit sends r events whose sizes are from, from+1, … below to.
func emit(r *trace.Recorder, from, to int) {
	for i := from; i < to; i++ {
		r.Emit(trace.Event{Kind: trace.PeerUp, Size: i})
	}
}

// sizes returns the sizes of events; of a Lost event, its count with a minus.
func sizes(events []trace.Event) []int {
	var out []int
	for _, e := range events {
		if e.Kind == trace.Lost {
			out = append(out, -e.Count)
		} else {
			out = append(out, e.Size)
		}
	}
	return out
}

func TestRecorderKeepsTheLatest(t *testing.T) {
	tests := []struct {
		name string
		emit int
		want []int
	}{
		{"none", 0, nil},
		{"some", 3, []int{0, 1, 2}},
		{"full", 4, []int{0, 1, 2, 3}},
		{"one too many", 5, []int{-1, 1, 2, 3, 4}},
		{"round and round", 11, []int{-7, 7, 8, 9, 10}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := &trace.Recorder{Size: 4, Keep: true}
			emit(r, 0, test.emit)
			if got := sizes(r.Events()); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestRecorderDefaultSize(t *testing.T) {
	r := &trace.Recorder{Keep: true}
	emit(r, 0, trace.DefaultRecorderSize+1)
	if got := sizes(r.Events()); len(got) != trace.DefaultRecorderSize+1 || got[0] != -1 {
		t.Errorf("got %d events, the first %d; want %d and -1", len(got), got[0], trace.DefaultRecorderSize+1)
	}
}

func TestRecorderKeepsListsAsTheyWere(t *testing.T) {
	r := &trace.Recorder{Keep: true}
	list := []identity.ID{{1}, {2}}
	r.Emit(trace.Event{Kind: trace.RingSuccessors, Peers: list})
	list[0] = identity.ID{9} // the sender uses its buffer again
	if got, want := r.Events()[0].Peers[0], (identity.ID{1}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRecorderIsEnabledWhileSomebodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r trace.Recorder
		if r.Enabled() {
			t.Error("enabled with no subscriber")
		}
		emit(&r, 0, 3) // nobody wants these
		ctx, cancel := context.WithCancel(t.Context())
		events := r.Subscribe(ctx)
		if !trace.Enabled(&r) {
			t.Error("not enabled with a subscriber")
		}
		emit(&r, 3, 4)
		for e := range events {
			if e.Size != 3 {
				t.Errorf("got event %d, want 3", e.Size)
			}
			break
		}
		if r.Enabled() {
			t.Error("enabled after the loop was left")
		}
		for e := range events {
			t.Errorf("a second loop: got %v, want nothing", e)
		}
		if got := r.Events(); len(got) != 0 {
			t.Errorf("held for nobody: got %v", got)
		}
		r.Subscribe(ctx) // never ranged over
		cancel()
		synctest.Wait()
		if r.Enabled() {
			t.Error("enabled after the subscriber's context ended")
		}
	})
}

func TestSubscribersLosingEventsAreTold(t *testing.T) {
	r := trace.Recorder{Size: 4}
	slow, other := r.Subscribe(t.Context()), r.Subscribe(t.Context())
	emit(&r, 0, 10)
	late := r.Subscribe(t.Context())
	emit(&r, 10, 12)
	r.Close()
	emit(&r, 12, 13)
	for name, test := range map[string]struct {
		events func(func(trace.Event) bool)
		want   []int
	}{
		"slow":  {slow, []int{-8, 8, 9, 10, 11}},
		"other": {other, []int{-8, 8, 9, 10, 11}},
		"late":  {late, []int{10, 11}},
	} {
		var got []trace.Event
		for e := range test.events {
			got = append(got, e)
		}
		if !reflect.DeepEqual(sizes(got), test.want) {
			t.Errorf("%s: got %v, want %v", name, sizes(got), test.want)
		}
	}
	if r.Enabled() {
		t.Error("enabled after it was closed")
	}
}

func TestSubscriberWaits(t *testing.T) {
	tests := []struct {
		name string
		end  func(r *trace.Recorder, cancel func())
	}{
		{"until the recorder is closed", func(r *trace.Recorder, _ func()) { r.Close() }},
		{"until its context ends", func(_ *trace.Recorder, cancel func()) { cancel() }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r trace.Recorder
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				events := r.Subscribe(ctx)
				var got []trace.Event
				var wait sync.WaitGroup
				wait.Go(func() {
					for e := range events {
						got = append(got, e)
					}
				})
				for i := range 5 {
					synctest.Wait() // the reader has read all there is
					emit(&r, i, i+1)
				}
				synctest.Wait()
				test.end(&r, cancel)
				wait.Wait() // or the bubble reports a deadlock
				if want := []int{0, 1, 2, 3, 4}; !reflect.DeepEqual(sizes(got), want) {
					t.Errorf("got %v, want %v", sizes(got), want)
				}
			})
		})
	}
}

func TestNilRecorderTakesNothing(t *testing.T) {
	var r *trace.Recorder
	r.Emit(full(t))
	for e := range r.Subscribe(t.Context()) {
		t.Errorf("got %v", e)
	}
	r.Close()
	if got := r.Events(); got != nil || trace.Enabled(r) || trace.Enabled(nil) {
		t.Errorf("got %v, %v, %v, want nothing and nobody listening", got, trace.Enabled(r), trace.Enabled(nil))
	}
}

func TestRecorderUnderLoad(t *testing.T) { // for the race detector: everything at once, nothing lost unsaid
	r := trace.Recorder{Size: 64}
	const senders, each = 4, 500
	var readers, writers sync.WaitGroup
	for range 3 {
		events := r.Subscribe(t.Context())
		readers.Go(func() {
			total := 0
			for e := range events {
				if e.Kind == trace.Lost {
					total += e.Count
				} else {
					total++
				}
			}
			if total != senders*each {
				t.Errorf("got %d events read or lost, want %d", total, senders*each)
			}
		})
	}
	for range senders {
		writers.Go(func() { emit(&r, 0, each) })
	}
	for range 20 { // some come and go meanwhile
		ctx, cancel := context.WithCancel(t.Context())
		r.Subscribe(ctx)
		r.Events()
		cancel()
	}
	writers.Wait()
	r.Close()
	readers.Wait()
}

func TestEmittingToNobodyCostsNothing(t *testing.T) {
	var r trace.Recorder
	e := full(t)
	if got := testing.AllocsPerRun(100, func() {
		if trace.Enabled(&r) {
			r.Emit(e)
		}
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func BenchmarkEmit(b *testing.B) {
	e := full(b)
	e.Peers = nil
	for _, bench := range []struct {
		name string
		sink trace.Sink
	}{
		{"nil", nil},
		{"no subscriber", &trace.Recorder{}},
		{"kept", &trace.Recorder{Keep: true}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if trace.Enabled(bench.sink) {
					bench.sink.Emit(e)
				}
			}
		})
	}
}
