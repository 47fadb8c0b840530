package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"cicada/sim"
)

// given returns the flags that the command line gives.
func given(line *kong.Context) (flags []*kong.Flag) {
	for _, path := range line.Path {
		if path.Flag != nil && !path.Resolved {
			flags = append(flags, path.Flag)
		}
	}
	return flags
}

// set returns the flags that the command line or a scenario gives.
func set(line *kong.Context) (flags []*kong.Flag) {
	for _, path := range line.Path {
		if path.Flag != nil {
			flags = append(flags, path.Flag)
		}
	}
	return flags
}

// sameAgain returns the command line once more, but for some flags, and with others more.
func sameAgain(line *kong.Context, more string, but ...string) string {
	words := []string{"cicada", "sim"}
	seen := make(map[*kong.Flag]bool)
	for _, flag := range given(line) {
		if seen[flag] || slices.Contains(but, flag.Name) {
			continue
		}
		seen[flag] = true
		value := reflect.Indirect(reflect.ValueOf(line.FlagValue(flag)))
		switch x := value.Interface().(type) {
		case bool:
			if x {
				words = append(words, "--"+flag.Name)
			}
		case []stepValue:
			for _, s := range x {
				words = append(words, "--"+flag.Name, quoted(sim.Step(s).String()))
			}
		case patience:
			words = append(words, "--"+flag.Name, brief(time.Duration(x)))
		default:
			words = append(words, "--"+flag.Name, quoted(fmt.Sprint(x)))
		}
	}
	if more != "" {
		words = append(words, more)
	}
	return strings.Join(words, " ")
}

// quoted returns a word as a shell takes it.
func quoted(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@+"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
