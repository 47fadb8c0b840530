// Opens every envelope in vectors.json, once with the keys of each end, by the
// Noise paper (revision 34, sections 5 and 7.5) and docs/spec/seal.md alone.
import crypto from 'node:crypto'
import fs from 'node:fs'
const v = JSON.parse(fs.readFileSync(process.argv[2])), hex = s => Buffer.from(s, 'hex'), cat = Buffer.concat
const same = (what, a, b) => { if (!a.equals(b)) throw new Error(`${what}: got ${a.toString('hex')}, want ${b.toString('hex')}`) }
const der = (head, raw, make, type) => make({ key: cat([hex(head), raw]), format: 'der', type })
const privateKey = raw => der('302e020100300506032b656e04220420', raw, crypto.createPrivateKey, 'pkcs8')
const publicKey = raw => der('302a300506032b656e032100', raw, crypto.createPublicKey, 'spki')
const dh = (a, b) => crypto.diffieHellman({ privateKey: privateKey(a), publicKey: publicKey(b) })
const publicOf = a => crypto.createPublicKey(privateKey(a)).export({ format: 'der', type: 'spki' }).subarray(12)
const hash = (...b) => crypto.createHash('sha256').update(cat(b)).digest()
const hmac = (k, ...b) => crypto.createHmac('sha256', k).update(cat(b)).digest()
const hkdf = (ck, ikm) => { const t = hmac(ck, ikm), a = hmac(t, Buffer.of(1)); return [a, hmac(t, a, Buffer.of(2))] }
function open(key, n, ad, sealed) { // AES-256-GCM; nonce: 4 zero bytes, counter
  const nonce = Buffer.alloc(12); nonce.writeBigUInt64BE(BigInt(n), 4)
  const c = crypto.createDecipheriv('aes-256-gcm', key, nonce).setAAD(ad).setAuthTag(sealed.subarray(-16))
  return cat([c.update(sealed.subarray(0, -16)), c.final()])
}
class Symmetric { // section 5.2, reading only
  constructor(name) { this.h = this.ck = Buffer.from(name) /* 28 bytes */; this.h = this.ck = cat([this.h, Buffer.alloc(32 - this.h.length)]) }
  mixHash(b) { this.h = hash(this.h, b) }
  mixKey(b) { [this.ck, this.k] = hkdf(this.ck, b); this.n = 0 }
  read(b) { const p = open(this.k, this.n++, this.h, b); this.mixHash(b); return p }
}
const I = v.initiator, R = v.responder, payload = e => hex(e.envelope).subarray(80), [first, answer, ...rest] = v.envelopes
for (const end of ['initiator', 'responder']) { // IK: <- s ... -> e, es, s, ss <- e, ee, se
  const own = end === 'initiator' ? I : R, theirs = end === 'initiator' ? R : I
  const s = hex(own.x25519_private), e = hex(own.ephemeral_private), rs = hex(theirs.x25519_public), responder = own === R
  same('public key', publicOf(s), hex(own.x25519_public))
  const state = new Symmetric(v.protocol), one = payload(first), two = payload(answer), re = responder ? one.subarray(0, 32) : two.subarray(0, 32)
  state.mixHash(cat([hex(v.swarm), hex(R.id), hex(first.envelope).subarray(16, 32)])); state.mixHash(hex(R.x25519_public))
  state.mixHash(one.subarray(0, 32))
  state.mixKey(responder ? dh(s, re) : dh(e, rs))
  same('static key', state.read(one.subarray(32, 80)), hex(I.x25519_public))
  state.mixKey(dh(s, rs))
  const plain = state.read(one.subarray(80))
  same('version, flags, origin', plain.subarray(0, 34), cat([Buffer.of(1, 0), hex(I.id)]))
  same('time', plain.subarray(34, 42), hex(BigInt(v.time).toString(16).padStart(16, '0')))
  same('index, data', plain.subarray(42), cat([hex(I.index), hex(first.data)]))
  state.mixHash(two.subarray(0, 32)); state.mixKey(dh(e, re)); state.mixKey(responder ? dh(e, rs) : dh(s, re))
  const reply = state.read(two.subarray(32))
  same('version, status, index, receipt', cat([reply.subarray(0, 10), reply.subarray(18)]), cat([Buffer.of(1, 1), hex(R.index), hex(answer.data)]))
  const [fromInitiator, fromResponder] = hkdf(state.ck, Buffer.alloc(0))
  for (const m of rest) {
    const e = hex(m.envelope), [to, key] = m.from === 'initiator' ? [R, fromInitiator] : [I, fromResponder], index = payload(m).subarray(0, 8)
    if (m.name === 'unknown') {
      const id = crypto.createPublicKey({ key: cat([hex('302a300506032b6570032100'), hex(R.id)]), format: 'der', type: 'spki' })
      const body = cat([Buffer.from('cicada unknown 1\0'), hex(v.swarm), e.subarray(16, 32), index, hex(R.id), payload(m).subarray(8, 16)])
      same('signed', body, hex(m.data)); if (!crypto.verify(null, body, id, payload(m).subarray(16))) throw new Error('signature')
      continue
    }
    same('index', index, hex(to.index))
    const p = open(key, e.readBigUInt64BE(8), cat([e.subarray(2, 4), e.subarray(16, 32), e.subarray(48, 80), index]), payload(m).subarray(8))
    same(m.name, p.subarray(0, p.length - 1 - p.at(-1)), hex(m.data))
  }
}
console.log(`opened ${v.envelopes.length} envelopes at both ends`)
