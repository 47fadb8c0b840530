// Opens keyed.json as its target, by the Noise paper (revision 34, sections 5, 7.5 and 9)
// and docs/spec/seal.md alone, with the secret that follows from the keys in the file.
import crypto from 'node:crypto'
import fs from 'node:fs'
const v = JSON.parse(fs.readFileSync(process.argv[2])), hex = s => Buffer.from(s, 'hex'), cat = Buffer.concat
const same = (what, a, b) => { if (!a.equals(b)) throw new Error(`${what}: got ${a.toString('hex')}, want ${b.toString('hex')}`) }
const der = (head, raw, make, type) => make({ key: cat([hex(head), raw]), format: 'der', type })
const privateKey = raw => der('302e020100300506032b656e04220420', raw, crypto.createPrivateKey, 'pkcs8')
const publicKey = raw => der('302a300506032b656e032100', raw, crypto.createPublicKey, 'spki')
const dh = (a, b) => crypto.diffieHellman({ privateKey: privateKey(a), publicKey: publicKey(b) })
const hash = (...b) => crypto.createHash('sha256').update(cat(b)).digest()
const hmac = (k, ...b) => crypto.createHmac('sha256', k).update(cat(b)).digest()
function hkdf(ck, ikm) { const t = hmac(ck, ikm), a = hmac(t, Buffer.of(1)), b = hmac(t, a, Buffer.of(2)); return [a, b, hmac(t, b, Buffer.of(3))] }
function open(key, n, ad, sealed) { // AES-256-GCM; nonce: 4 zero bytes, counter
  const nonce = Buffer.alloc(12); nonce.writeBigUInt64BE(BigInt(n), 4)
  const c = crypto.createDecipheriv('aes-256-gcm', key, nonce).setAAD(ad).setAuthTag(sealed.subarray(-16))
  return cat([c.update(sealed.subarray(0, -16)), c.final()])
}
let h, ck, k // the state of section 5.2, reading only
const mixHash = b => { h = hash(h, b) }, mixKey = b => { [ck, k] = hkdf(ck, b) }
const read = b => { const p = open(k, 0, h, b); mixHash(b); return p } // each key is used once
const ephemeral = b => { mixHash(b); mixKey(b) } // section 9.2: e takes part in the key, too
const I = v.initiator, R = v.responder, whole = v.envelopes.map(e => hex(e.envelope)), [one, two, , , refusal] = whole.map(e => e.subarray(80))
const s = hex(R.x25519_private), e = hex(R.ephemeral_private), re = one.subarray(0, 32)
h = ck = Buffer.from(v.protocol) // 32 bytes
mixHash(cat([hex(v.swarm), hex(R.id), whole[0].subarray(16, 32)])); mixHash(hex(R.x25519_public)) // prologue, <- s
ephemeral(re); mixKey(dh(s, re)) // -> e, es
const rs = read(one.subarray(32, 80)); same('static key', rs, hex(I.x25519_public))
mixKey(dh(s, rs)) // s, ss
const secret = hex(v.secret), mark = hash(Buffer.from('cicada mark 1\0'), secret).subarray(0, 2)
same('first', read(one.subarray(80)), cat([Buffer.of(1, 1), hex(I.id), hex(BigInt(v.time).toString(16).padStart(16, '0')), hex(I.index), mark]))
ephemeral(two.subarray(0, 32)); mixKey(dh(e, re)); mixKey(dh(e, rs)) // <- e, ee, se
const [next, mixed, key] = hkdf(ck, secret); ck = next; mixHash(mixed); k = key // psk
const answer = read(two.subarray(32)); same('answer', answer.subarray(0, 10), cat([Buffer.of(1, 2), hex(R.index)]))
const keys = hkdf(ck, Buffer.alloc(0))
for (const [i, to] of [[2, R], [3, I]]) {
  const m = whole[i]; same('index', m.subarray(80, 88), hex(to.index))
  const p = open(keys[i - 2], m.readBigUInt64BE(8), cat([m.subarray(2, 4), m.subarray(16, 32), m.subarray(48, 88)]), m.subarray(88))
  console.log(`${v.envelopes[i].name}: ${p.subarray(0, p.length - 1 - p.at(-1))}`)
}
const id = crypto.createPublicKey({ key: cat([hex('302a300506032b6570032100'), hex(R.id)]), format: 'der', type: 'spki' })
const body = cat([Buffer.from('cicada keys 1\0'), hex(v.swarm), whole[4].subarray(16, 32), hex(R.id), refusal.subarray(0, 1), hash(one)])
same('signed', body, hex(v.envelopes[4].data)); same('digest', refusal.subarray(1, 33), hash(one))
if (!crypto.verify(null, body, id, refusal.subarray(33))) throw new Error('signature')
