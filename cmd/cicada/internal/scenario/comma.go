package scenario

import "strings"

// CommaHint returns what to say behind a value that was refused, if it ends with a
// comma: in YAML that is a part of it, but between braces.
func CommaHint(value string) string {
	if strings.HasSuffix(value, ",") {
		return ": no comma belongs at the end of a line"
	}
	return ""
}

// StrayComma returns the first line, from 1, in which a comma looks as if it were to
// separate two keys or to end one, where YAML takes it for a part of the value or for a
// mistake; 0 where there is none. It looks at the text alone, and is of use where that is
// no YAML.
func StrayComma(text string) int {
	depth, line := 0, 0
	for row := range strings.Lines(text) {
		line++
		row, _, _ = strings.Cut(" "+strings.TrimRight(row, " \t\r\n"), " #")
		for i, c := range row {
			switch c {
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			case ',':
				if rest := row[i+1:]; depth <= 0 && (strings.TrimSpace(rest) == "" || strings.Contains(rest, ": ")) {
					return line
				}
			}
		}
	}
	return 0
}
