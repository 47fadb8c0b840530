package main

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// withNegatives returns arguments in which each flag is tied to a value behind it that
// begins like a negative number: --kill -0.1 becomes --kill=-0.1. Else -0 is taken for
// a flag, and not for what its own flag can refuse in a sentence.
func withNegatives(app *kong.Application, arguments []string) []string {
	takes := make(map[string]bool) // a value, by the word that gives the flag
	for _, node := range append([]*kong.Node{app.Node}, app.Children...) {
		for _, flag := range node.Flags {
			valued := !flag.IsBool() && !flag.IsCounter()
			takes["--"+flag.Name] = valued
			if flag.Short != 0 {
				takes["-"+string(flag.Short)] = valued
			}
		}
	}
	var tied []string
	for i := 0; i < len(arguments); i++ {
		word := arguments[i]
		if word == "--" { // what follows are no flags
			return append(tied, arguments[i:]...)
		}
		if takes[word] && i+1 < len(arguments) && isNegative(arguments[i+1]) {
			i++
			if strings.HasPrefix(word, "--") {
				word += "="
			}
			word += arguments[i]
		}
		tied = append(tied, word)
	}
	return tied
}

// isNegative reports whether a word begins like a negative number.
func isNegative(word string) bool {
	digits, minus := strings.CutPrefix(word, "-")
	digits = strings.TrimPrefix(digits, ".")
	return minus && digits != "" && '0' <= digits[0] && digits[0] <= '9'
}

// wholeNumber reads the value of a flag that is an int.
func wholeNumber(ctx *kong.DecodeContext, target reflect.Value) error {
	token, err := ctx.Scan.PopValue("whole number")
	if err != nil {
		return errors.New("want a whole number")
	}
	n, err := strconv.Atoi(token.String())
	if err != nil {
		return fmt.Errorf("want a whole number, not %.100q", token.String())
	}
	target.SetInt(int64(n))
	return nil
}

// misread says what is wrong with a command line, and where to read on.
func misread(err error) string {
	text, help := oneLine(err), "cicada"
	var parsing *kong.ParseError
	if errors.As(err, &parsing) {
		if command := parsing.Context.Selected(); command != nil {
			help += " " + command.Name
			if flag, _, _ := strings.Cut(text, ", did you mean "); takesData(command) && strings.HasPrefix(text, "unknown flag -") {
				if !strings.HasPrefix(text, "unknown flag --") {
					text = flag // of other letters there is none that is like it
				}
				text += "; what is to be sent and begins with a dash goes behind --, like -- -5"
			}
		} else if rest, ok := strings.CutPrefix(text, "unexpected argument "); ok {
			name, hint, _ := strings.Cut(rest, ", did you mean ")
			text = fmt.Sprintf("unknown command %q", name)
			if hint != "" {
				text += ", did you mean " + hint
			}
		}
	}
	text = strings.ReplaceAll(text, `expected string value but got "EOL" (<EOL>)`, "a value is missing")
	return fmt.Sprintf("%s; see %s --help", text, help)
}

// takesData reports whether a command sends what its last arguments are.
func takesData(command *kong.Node) bool {
	n := len(command.Positional)
	return n > 0 && command.Positional[n-1].Name == "data"
}
