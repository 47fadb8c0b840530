package identity_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"filippo.io/edwards25519"

	"cicada/identity"
)

// testKey returns the n-th of the keys that tests share.
func testKey(n byte) identity.PrivateKey {
	return identity.KeyFromSeed([32]byte{'t', 'e', 's', 't', n})
}

func TestParseID(t *testing.T) {
	id := testKey(1).ID()
	text := id.String()
	off := identity.ID{2} // y = 2 is on no point of the curve
	tests := []struct {
		name, text string
		want       error  // a sentinel, or nil where only the message counts
		message    string // empty: it is accepted
	}{
		{"its own text", text, nil, ""},
		{"upper case", strings.ToUpper(text), nil, ""},
		{"nothing", "", nil, "has 52 characters, not 0"},
		{"one short", text[1:], nil, "has 52 characters, not 51"},
		{"one long", text + "a", nil, "has 52 characters, not 53"},
		{"a digit base32 does not have", "1" + text[1:], nil, "not in base32"},
		{"padding", text[:51] + "=", nil, "not in base32"},
		{"line ends, which decoders skip", text[:48] + "\r\n\r\n", nil, "not in base32"},
		{"not ASCII", text[:50] + "é", nil, "not in base32"},
		{"bits left over", text[:51] + string(text[51]+1), nil, "ends in bits that must be zero"},
		{"zero", strings.Repeat("a", 52), identity.ErrID, "small order"},
		{"not on the curve", off.String(), identity.ErrID, "no point of the curve"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := identity.ParseID(test.text)
			if test.message == "" {
				if err != nil || got != id {
					t.Fatalf("got %s, %v, want %s", got, err, id)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error: got %v, want one that says %q", err, test.message)
			}
			if test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("error: got %v, want %v", err, test.want)
			}
			if !got.IsZero() {
				t.Errorf("ID: got %s beside an error, want none", got)
			}
		})
	}
}

// prime is the field's, 2^255-19.
func prime() *big.Int {
	p := new(big.Int).Lsh(big.NewInt(1), 255)
	return p.Sub(p, big.NewInt(19))
}

// encode returns y as an ID, lowest byte first, with the sign bit.
func encode(y *big.Int, sign byte) identity.ID {
	id := identity.ID(y.FillBytes(make([]byte, 32)))
	slices.Reverse(id[:])
	id[31] |= sign << 7
	return id
}

// checkPlainly is Check, done in the way that needs no thought: decode, see that
// encoding gives the same again, and multiply by 8.
func checkPlainly(id identity.ID) bool {
	point, err := new(edwards25519.Point).SetBytes(id[:])
	if err != nil || identity.ID(point.Bytes()) != id {
		return false
	}
	return new(edwards25519.Point).MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) == 0
}

// smallOrderIDs returns every encoding of the eight points of small order, those that are not canonical too.
func smallOrderIDs(t *testing.T) []identity.ID {
	t.Helper()
	var found []identity.ID
	ys := []*big.Int{new(big.Int), big.NewInt(1), new(big.Int).Sub(prime(), big.NewInt(1))}
	for _, text := range []string{
		"2707385501144840649318225287225658788936804267575313519463743609750303402022",
		"55188659117513257062467267217118295137698188065244968500265048394206261417927",
	} {
		y, ok := new(big.Int).SetString(text, 10)
		if !ok {
			t.Fatalf("%s is no number", text)
		}
		ys = append(ys, y)
	}
	for _, y := range ys {
		for _, more := range []*big.Int{new(big.Int), prime()} {
			if sum := new(big.Int).Add(y, more); sum.BitLen() <= 255 {
				found = append(found, encode(sum, 0), encode(sum, 1))
			}
		}
	}
	return found
}

func TestCheckRefusesSmallOrder(t *testing.T) {
	ids := smallOrderIDs(t)
	for _, id := range ids {
		point, err := new(edwards25519.Point).SetBytes(id[:])
		if err != nil {
			t.Fatalf("%x is no point: the test itself is wrong", id[:])
		}
		if point.MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) != 1 {
			t.Fatalf("%x is not of small order: the test itself is wrong", id[:])
		}
		if err := id.Check(); !errors.Is(err, identity.ErrID) {
			t.Errorf("Check of %x: got %v, want ErrID", id[:], err)
		}
		if _, err := id.X25519(); !errors.Is(err, identity.ErrID) {
			t.Errorf("X25519 of %x: got %v, want ErrID", id[:], err)
		}
	}
	if len(ids) != 14 {
		t.Errorf("got %d encodings of small order, want 14", len(ids))
	}
}

// Under a key of small order, a signature made of zeros and ones verifies for
// some messages. crypto/ed25519 lets it through; ID.Verify must not.
func TestVerifyRefusesSmallOrder(t *testing.T) {
	forged := make([]byte, identity.SignatureSize)
	forged[0] = 1 // R is the neutral point, S is 0
	neutral := identity.ID{1}
	if neutral.Verify(identity.PurposeRecord, []byte("anything"), forged) {
		t.Error("a signature under the neutral point was accepted")
	}
}

func TestCheckAgreesWithPlainCheck(t *testing.T) {
	compare := func(id identity.ID) {
		t.Helper()
		if got, want := id.Check() == nil, checkPlainly(id); got != want {
			t.Errorf("Check of %x: accepted %v, want %v", id[:], got, want)
		}
	}
	for _, id := range smallOrderIDs(t) {
		compare(id)
	}
	for i := int64(-40); i < 40; i++ { // all that can go wrong at both ends of the field
		for sign := range byte(2) {
			if low := big.NewInt(i); i >= 0 {
				compare(encode(low, sign))
			}
			if high := new(big.Int).Add(prime(), big.NewInt(i)); high.BitLen() <= 255 {
				compare(encode(high, sign))
			}
		}
	}
	on := 0
	for n := range 2000 {
		id := identity.ID(testPoint(n))
		compare(id)
		if id.Check() == nil {
			on++
		}
	}
	if on < 800 || on > 1200 {
		t.Errorf("of 2000 random encodings %d are on the curve, want about half", on)
	}
}

// testPoint returns 32 bytes that look random, the same every time.
func testPoint(n int) [32]byte {
	point, err := identity.PointOf(identity.ID{byte(n), byte(n >> 8)}, 0)
	if err != nil {
		panic(err)
	}
	return point
}

func TestIDText(t *testing.T) {
	type pair struct {
		Some identity.ID `json:"some"`
		None identity.ID `json:"none"`
	}
	want := pair{Some: testKey(1).ID()}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"some":"` + want.Some.String() + `","none":""}`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	var got pair
	if err := json.Unmarshal(text, &got); err != nil || got != want {
		t.Errorf("read back: got %v, %v, want %v", got, err, want)
	}
	if err := json.Unmarshal([]byte(`{"some":"x"}`), &got); err == nil {
		t.Error("an ID of one character was read without error")
	}
	if got, want := want.Some.Short(), want.Some.String()[:8]; got != want {
		t.Errorf("Short: got %s, want %s", got, want)
	}
}

func FuzzParseID(f *testing.F) {
	f.Add(testKey(1).ID().String())
	f.Add(strings.ToUpper(testKey(2).ID().String()))
	f.Add(strings.Repeat("a", 52))
	f.Add(strings.Repeat("7", 52))
	f.Add("\n" + testKey(1).ID().String()[1:])
	f.Fuzz(func(t *testing.T, text string) {
		id, err := identity.ParseID(text)
		if err != nil {
			if !id.IsZero() {
				t.Errorf("%q: %s beside %v", text, id, err)
			}
			return
		}
		if !strings.EqualFold(id.String(), text) {
			t.Errorf("%q was read as %s", text, id)
		}
		if !checkPlainly(id) {
			t.Errorf("%q was accepted, and is no usable key", text)
		}
	})
}
