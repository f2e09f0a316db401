/* SHA-256 (FIPS 180-4): what a test computed as one short number, which a file can hold. */
#ifndef SHA256_H
#define SHA256_H
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SHA256_BLOCK = 64, SHA256_HEX = 64 }; /* bytes of a block, digits of a sum */

typedef struct {
    uint32_t state[8];
    uint64_t bytes; /* taken so far; those of the block that is not full wait in it */
    uint8_t block[SHA256_BLOCK];
} sha256;

static sha256 sha256_start(void)
{
    const sha256 s = {{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                       0x1f83d9ab, 0x5be0cd19},
                      0,
                      {0}};
    return s;
}

static uint32_t sha256_turn(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* The block's sixteen words and what they are stretched to (section 6.2.2, step 1). */
static void sha256_words(const uint8_t *block, uint32_t w[64])
{
    int i;
    for (i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (i = 16; i < 64; i++) {
        const uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (sha256_turn(a, 7) ^ sha256_turn(a, 18) ^ a >> 3) + w[i - 7] +
               (sha256_turn(b, 17) ^ sha256_turn(b, 19) ^ b >> 10);
    }
}

static void sha256_take_block(sha256 *s, const uint8_t *block)
{
    static const uint32_t constants[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2};
    uint32_t *h = s->state, w[64], v[8]; /* v: the standard's a to h, a at v[-i] of round i */
    int i;
    sha256_words(block, w);
    memcpy(v, h, sizeof v);
    for (i = 0; i < 64; i++) {
        const uint32_t a = v[-i & 7], e = v[(4 - i) & 7];
        uint32_t *d = v + ((3 - i) & 7), *last = v + ((7 - i) & 7);
        const uint32_t choice = (e & v[(5 - i) & 7]) ^ (~e & v[(6 - i) & 7]);
        const uint32_t b = v[(1 - i) & 7], c = v[(2 - i) & 7], most = (a & b) ^ (a & c) ^ (b & c);
        const uint32_t one = *last + (sha256_turn(e, 6) ^ sha256_turn(e, 11) ^ sha256_turn(e, 25)) +
                             choice + constants[i] + w[i];
        *d += one; /* the next round's e */
        *last = one + (sha256_turn(a, 2) ^ sha256_turn(a, 13) ^ sha256_turn(a, 22)) + most; /* a */
    }
    for (i = 0; i < 8; i++) h[i] += v[i];
}

static void sha256_add(sha256 *s, const void *bytes, size_t count)
{
    const uint8_t *from = (const uint8_t *)bytes;
    while (count > 0) {
        const size_t held = (size_t)(s->bytes % SHA256_BLOCK), room = SHA256_BLOCK - held;
        const size_t n = count < room ? count : room;
        memcpy(s->block + held, from, n);
        s->bytes += n;
        from += n;
        count -= n;
        if (n == room) sha256_take_block(s, s->block);
    }
}

/* Ends the message (section 5.1.1) and writes its sum. */
static void sha256_end(sha256 *s, char hex[SHA256_HEX + 1])
{
    const uint64_t bits = 8 * s->bytes;
    uint8_t length[8];
    int i;
    sha256_add(s, "\x80", 1);
    while (s->bytes % SHA256_BLOCK != SHA256_BLOCK - 8) sha256_add(s, "", 1); /* a zero byte */
    for (i = 0; i < 8; i++) length[i] = (uint8_t)(bits >> (56 - 8 * i));
    sha256_add(s, length, sizeof length);
    for (i = 0; i < 8; i++) snprintf(hex + 8 * i, 9, "%08lx", (unsigned long)s->state[i]);
}
#endif
