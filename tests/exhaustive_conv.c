/* cc -O2 -DFMNIST_NN_IMPLEMENTATION tests/exhaustive_conv.c -lm && ./a.out [part/parts [NAME]]
 * The tests of tests/test_conv.c, and the convolutions of every small window: height and width
 * 1-17, kernels 1-7 also non-square, strides 1-4 also of two kinds, valid, same and explicit
 * padding, each with the next of the pairs of channels (1-9) and filters (1-9, 16, 17, 33); and
 * every such pair with every square kernel, stride and padding. By turns exactly on integers and
 * within the bound on reals. Of those that go by Winograd's transforms, some thousands more, of
 * every depth. With part/parts: that part of the heights, of the channels, or of these alone. */
#define CONV_TESTS_ONLY
#include "test_conv.c"
#include "exhaustive.h"

static void check_dimensions(const dimensions *d, unsigned index)
{
    problem p;
    if (!shape_padded(&p, d, (int)index % d->kernel_height, (int)(index / 3) % d->kernel_width))
        return;
    p.bare = index % 5 == 3;
    open_problem(&p, (int)(index / 2 % 2));
    holds(&p, (int)(index / 2 % 2));
    close_problem(&p);
}

/* Every kernel, stride and padding on images of one size; index goes on through the pairs. */
static void each_window(int height, int width, unsigned *index)
{
    int kernels, strides, padding;
    for (kernels = 0; kernels < WIDEST * WIDEST; kernels++)
        for (strides = 0; strides < FASTEST * FASTEST; strides++)
            for (padding = 0; padding < FNN_PADDING_COUNT; padding++) {
                const int pair = (int)(*index * 5 % (DEEPEST * FILTER_COUNTS));
                dimensions d;
                d.images = 1 + (int)(*index % 2);
                d.height = height;
                d.width = width;
                d.channels = 1 + pair % DEEPEST;
                d.kernel_height = 1 + kernels % WIDEST;
                d.kernel_width = 1 + kernels / WIDEST;
                d.stride_height = 1 + strides % FASTEST;
                d.stride_width = 1 + strides / FASTEST;
                d.padding = (fnn_padding)padding;
                d.filters = filter_counts[pair / DEEPEST];
                check_dimensions(&d, (*index)++);
            }
}

static void every_window(void)
{
    int height, width;
    contexts_open(1);
    for (height = part_from(LONGEST); height <= part_to(LONGEST); height++) {
        unsigned index = (unsigned)height * 7;
        seed = (uint64_t)height;
        for (width = 1; width <= LONGEST; width++) {
            each_window(height, width, &index);
            index++; /* other pairs for the same windows than at the width before */
        }
    }
    contexts_close();
    swept((uint64_t)harness_checks, "");
}

static void each_kernel(int channels, int filters, int size)
{
    static unsigned index;
    int kernel, stride, padding;
    for (kernel = 1; kernel <= WIDEST; kernel++)
        for (stride = 1; stride <= FASTEST; stride++)
            for (padding = 0; padding < FNN_PADDING_COUNT; padding++) {
                dimensions d;
                d.images = 3;
                d.height = size;
                d.width = LONGEST + 1 - size / 2;
                d.channels = channels;
                d.kernel_height = d.kernel_width = kernel;
                d.stride_height = d.stride_width = stride;
                d.padding = (fnn_padding)padding;
                d.filters = filters;
                check_dimensions(&d, index++);
            }
}

static void every_depth(void)
{
    static const int sizes[] = {1, 4, 9, 14, 17};
    int channels, i, j;
    contexts_open(1);
    for (channels = part_from(DEEPEST); channels <= part_to(DEEPEST); channels++)
        for (i = 0; i < FILTER_COUNTS; i++)
            for (j = 0; j < 5; j++) each_kernel(channels, filter_counts[i], sizes[j]);
    contexts_close();
    swept((uint64_t)harness_checks, "");
}

static void every_winograd(void)
{
    enum { COUNT = 40 };
    seed = (uint64_t)part_from(COUNT);
    contexts_open(1);
    each_winograd((part_from(COUNT) - 1) * PLACES * DEPTHS, part_to(COUNT) * PLACES * DEPTHS, 4e6);
    contexts_close();
    swept((uint64_t)harness_checks, "");
}

static const harness_test tests[] = {TEST(every_window), TEST(every_depth), TEST(every_winograd),
                                     CONV_TESTS};
EXHAUSTIVE_MAIN(tests, 3)
