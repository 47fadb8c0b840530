package seal

import (
	"testing"
	"time"
)

// Envelopes take three seconds, and the target restarted shortly before, while or
// after the message was sealed. Only where it was sealed for an earlier run the
// outcome is unknown.
func TestVerdictWithSlowTransit(t *testing.T) {
	const transit = 3 * time.Second
	for _, tt := range []struct {
		name    string
		restart time.Duration // of the target, from when the message was sealed
		out     time.Duration // of the transit, on the way to the target
		skew    time.Duration // of the origin's clock
		want    Verdict
	}{
		{"a second before", -time.Second, 0, 0, SameRun},
		{"a second before, the same both ways", -time.Second, transit, 0, SameRun},
		{"just before", -time.Millisecond, transit, 0, SameRun},
		{"long before", -time.Hour, transit, 0, SameRun},
		{"just after", time.Millisecond, transit, 0, OtherRun},
		{"on the way", time.Second, transit, 0, OtherRun},
		{"before it arrived again", time.Minute, time.Minute, 0, OtherRun},
		{"a clock that is off by little", -time.Second, transit, 500 * time.Millisecond, SameRun},
		// The target's word is worth nothing here, and caution remains.
		{"just after, by a clock that is far ahead", time.Millisecond, transit, time.Minute, OtherRun},
		{"just after, by a clock that is far behind", time.Millisecond, transit, -time.Minute, OtherRun},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			a, b := w.peer("a", nil), w.peer("b", nil)
			a.skew = tt.skew
			b.restart(false)
			if tt.restart < 0 {
				w.pass(-tt.restart)
			}
			sealedAt := w.now.Add(a.skew)
			ask := letter{to: b, message: w.message()}
			sealed, err := a.Ask(nil, b.id, ask.message)
			if err != nil {
				t.Fatal(err)
			}
			ask.Envelope = envelope(sealed, b.point, ask.message)
			if tt.restart > 0 {
				w.pass(tt.restart)
				b.restart(false)
			}
			w.pass(tt.out - max(tt.restart, 0))
			o, err := b.Open(nil, ask.Envelope)
			wantError(t, "an ask", err, ErrChallenge)
			w.pass(transit)
			r := a.learn(ask, envelope(o.Reply, a.point, ask.message), Again)
			if got := r.Verdict(sealedAt, sealedAt); got != tt.want {
				t.Errorf("got verdict %d, want %d", got, tt.want)
			}
		})
	}
}

// A target that only lost the session does not tell when it began, so an Unknown
// leaves open what the answer to an Ask will decide. One that never ran before
// under its key says that.
func TestVerdictOfUnknown(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		w := newWorld(t)
		a, b := w.peer("a", nil), w.peer("b", nil)
		talk(a, b, "hello")
		b.restart(fresh)
		w.pass(time.Second)
		l, sealedAt := a.write(b, "one"), w.now
		o, err := b.Open(nil, l.Envelope)
		wantError(t, "message under a forgotten session", err, ErrUnknownSession)
		w.pass(3 * time.Second)
		r := a.learn(l, envelope(o.Reply, a.point, l.message), Unknown)
		if got := r.Verdict(sealedAt, sealedAt); got != Undecided {
			t.Errorf("got verdict %d, want %d", got, Undecided)
		}
		if got := r.Verdict(sealedAt.Add(-time.Minute), sealedAt); got != OtherRun {
			t.Errorf("sealed a minute earlier: got verdict %d, want %d", got, OtherRun)
		}
		sealed, err := a.Ask(nil, b.id, l.message)
		if err != nil || !sealed.Bare {
			t.Fatalf("got %v, bare %v", err, sealed.Bare)
		}
		o, err = b.Open(nil, envelope(sealed, b.point, l.message))
		wantError(t, "an ask", err, ErrChallenge)
		// However far the clocks are apart, there is no earlier run of a fresh key.
		if fresh {
			a.skew = time.Hour
		}
		r = a.learn(l, envelope(o.Reply, a.point, l.message), Again)
		if got := r.Verdict(sealedAt, w.now); got != SameRun {
			t.Errorf("fresh %v: got verdict %d, want %d", fresh, got, SameRun)
		}
	}
}
