/* Winograd's F(4x4, 3x3) as Lavin and Gray give it (arXiv:1509.09308), for the tests: the matrices,
 * and one transform of a tile in wider numbers. Include after operands.h. */
#ifndef WINOGRAD_H
#define WINOGRAD_H

enum { TILE = 4, PATCH = 6, POSITIONS = PATCH * PATCH };

typedef struct winograd_matrix {
    int rows, columns, over; /* an element is m[i][j] / over */
    int m[PATCH][PATCH];
} winograd_matrix;

/* B^T takes a patch of the input, G a kernel; A^T gives the outputs. */
static const winograd_matrix winograd_b = {PATCH,
                                           PATCH,
                                           1,
                                           {{4, 0, -5, 0, 1, 0},
                                            {0, -4, -4, 1, 1, 0},
                                            {0, 4, -4, -1, 1, 0},
                                            {0, -2, -1, 2, 1, 0},
                                            {0, 2, -1, -2, 1, 0},
                                            {0, 4, 0, -5, 0, 1}}};
static const winograd_matrix winograd_g = {
    PATCH, 3, 24, {{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4}, {1, 2, 4}, {1, -2, 4}, {0, 0, 24}}};
static const winograd_matrix winograd_a = {
    TILE,
    PATCH,
    1,
    {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}}};

/* A matrix of a transform as it stands, or its transpose, or the absolute values of either. */
enum { AS_IT_STANDS = 0, TRANSPOSED = 1, ABSOLUTE = 2 };

/* y = L x L^T, x and y square and compact. */
static void winograd_transform(const winograd_matrix *matrix, int how, const wide *x, wide *y)
{
    const int rows = how & TRANSPOSED ? matrix->columns : matrix->rows;
    const int size = how & TRANSPOSED ? matrix->rows : matrix->columns;
    wide l[PATCH][PATCH], half[PATCH][PATCH];
    int i, j, k;
    for (i = 0; i < rows; i++)
        for (k = 0; k < size; k++) {
            const int m = how & TRANSPOSED ? matrix->m[k][i] : matrix->m[i][k];
            l[i][k] = (wide)(how & ABSOLUTE && m < 0 ? -m : m) / matrix->over;
        }
    for (i = 0; i < rows; i++)
        for (j = 0; j < size; j++)
            for (half[i][j] = 0, k = 0; k < size; k++) half[i][j] += l[i][k] * x[k * size + j];
    for (i = 0; i < rows; i++)
        for (j = 0; j < rows; j++)
            for (y[i * rows + j] = 0, k = 0; k < size; k++) y[i * rows + j] += half[i][k] * l[j][k];
}
#endif
