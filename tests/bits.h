/* Bits in the order in which deflate has them, the lowest of a byte first: for streams that no
 * packer makes. */
#ifndef BITS_H
#define BITS_H
#include <stddef.h>
#include <stdint.h>

#ifndef BIT_ROOM
#define BIT_ROOM 4000 /* bytes */
#endif

/* Begins as zeros. */
typedef struct {
    uint8_t bytes[BIT_ROOM];
    size_t bits;
} bit_writer;

static inline void put_bits(bit_writer *w, unsigned value, int n)
{
    for (; n > 0; n--, value >>= 1, w->bits++)
        if (value & 1) w->bytes[w->bits / 8] |= (uint8_t)(1 << w->bits % 8);
}
#endif
