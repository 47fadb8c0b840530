package routing

// A node is the place of a T in a list; a T has one for each list it can be in.
type node[T any] struct {
	previous, next *T
	listed         bool
}

// A list is a queue whose members carry its links, so that joining and leaving
// it needs no memory. at says which node of a member is this list's.
type list[T any] struct {
	first, last *T
	count       int
	at          func(*T) *node[T]
}

// push appends x, unless it is in the list already.
func (l *list[T]) push(x *T) {
	n := l.at(x)
	if n.listed {
		return
	}
	n.listed, n.previous = true, l.last
	if l.last == nil {
		l.first = x
	} else {
		l.at(l.last).next = x
	}
	l.last = x
	l.count++
}

// remove takes x out, if it is in the list.
func (l *list[T]) remove(x *T) {
	n := l.at(x)
	if !n.listed {
		return
	}
	if n.previous == nil {
		l.first = n.next
	} else {
		l.at(n.previous).next = n.next
	}
	if n.next == nil {
		l.last = n.previous
	} else {
		l.at(n.next).previous = n.previous
	}
	*n = node[T]{}
	l.count--
}
