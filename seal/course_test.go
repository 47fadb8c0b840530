package seal

import (
	"testing"
	"time"

	"cicada/identity"
)

// What an origin does about an answer follows from when it sealed the data for the
// first time: a seal without the data is nothing that an earlier run can have delivered.
func TestCourse(t *testing.T) {
	began := time.Unix(1000, 0) // of the target's run
	again := func(told time.Time) Reply {
		return Reply{Status: Again, run: run{uptime: 10 * time.Second, heard: began.Add(10 * time.Second), told: told.UnixNano()}}
	}
	unknown := again(began)
	unknown.Status = Unknown
	for _, tt := range []struct {
		name  string
		seals []Sealed
		at    []time.Duration // of these, after began
		reply Reply
		want  Step
	}{
		{"received", []Sealed{{}}, []time.Duration{-time.Hour}, Reply{Status: Received}, Finish},
		{"sealed for this run", []Sealed{{}}, []time.Duration{time.Second}, again(began), Reseal},
		{"sealed for an earlier run", []Sealed{{}}, []time.Duration{-time.Second}, again(began), GiveUp},
		{"sealed for both", []Sealed{{}, {}}, []time.Duration{-time.Second, time.Second}, again(began), GiveUp},
		{"without the data for the earlier one", []Sealed{{Bare: true}, {}}, []time.Duration{-time.Second, time.Second}, again(began), Reseal},
		{"only without the data", []Sealed{{Bare: true}}, []time.Duration{-time.Second}, again(began), Reseal},
		{"for this run, which forgot the session", []Sealed{{}}, []time.Duration{time.Second}, unknown, Reseal},
		{"nobody can tell", []Sealed{{}}, []time.Duration{-time.Second}, unknown, Enquire},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c Course
			for i, s := range tt.seals {
				c.Sealed(s, began.Add(tt.at[i]))
			}
			if got := c.Next(tt.reply); got != tt.want {
				t.Errorf("got step %d, want %d", got, tt.want)
			}
		})
	}
}

func TestFate(t *testing.T) {
	origin := identity.ID{1}
	for _, tt := range []struct {
		name   string
		opened Opened
		err    error
		want   Fate
	}{
		{"opened", Opened{Origin: origin}, nil, Deliver},
		{"before its session", Opened{}, ErrPending, Wait},
		{"challenged", Opened{Origin: origin}, ErrChallenge, Replace},
		{"opened before", Opened{Origin: origin}, ErrReplay, Replace},
		{"session forgotten", Opened{}, ErrUnknownSession, Replace},
		{"forged", Opened{}, ErrForged, Refuse},
		{"somebody else's", Opened{}, ErrTarget, Refuse},
	} {
		if got := tt.opened.Fate(tt.err); got != tt.want {
			t.Errorf("%s: got fate %d, want %d", tt.name, got, tt.want)
		}
	}
}
