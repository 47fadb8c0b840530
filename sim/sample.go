package sim

import (
	"math"
	"slices"
)

// A sample is a number of measured values.
type sample struct {
	values []float32
	sum    float64
	sorted bool
}

func (s *sample) add(x float64) {
	s.values = append(s.values, float32(x))
	s.sum += x
	s.sorted = false
}

func (s *sample) mean() float64 {
	if len(s.values) == 0 {
		return 0
	}
	return s.sum / float64(len(s.values))
}

// quantile returns the least value that a share p of all do not exceed; 0 if there
// is none.
func (s *sample) quantile(p float64) float64 {
	if len(s.values) == 0 {
		return 0
	}
	if !s.sorted {
		slices.Sort(s.values)
		s.sorted = true
	}
	i := int(math.Ceil(p*float64(len(s.values)))) - 1
	return float64(s.values[min(max(i, 0), len(s.values)-1)])
}

func (s *sample) least() float64 { return s.quantile(0) }
