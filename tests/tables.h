/* The header up to its kernels' tables, which with the rest of the library are objects that the
 * program links with (tests/common.sh). -DFMNIST_NN_IMPLEMENTATION puts all of it here instead. */
#ifndef TABLES_H
#define TABLES_H
#ifndef FMNIST_NN_IMPLEMENTATION
#define FMNIST_NN_IMPLEMENTATION
#define FNNI_KERNELS_ALONE
#define FNNI_KERNELS_APART
#endif
#ifdef __GNUC__ /* not every program asks for a table by its number */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include "../fmnist_nn.h"
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif
#endif
