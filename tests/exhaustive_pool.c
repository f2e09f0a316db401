/* cc -O2 -DFMNIST_NN_IMPLEMENTATION tests/exhaustive_pool.c -lm && ./a.out [part/parts [NAME]]
 * The tests of tests/test_pool.c, and every window on images of 1..17 x 1..17 with the test's
 * numbers of channels: kernels 1..7 with strides 1..4, square ones and ones of two different
 * sides, same and valid padding, and explicit padding by turns. With part/parts: that part of the
 * heights alone. */
#define POOL_TESTS_ONLY
#include "test_pool.c"
#include "exhaustive.h"

#define LARGEST 17

static void every_channel(const fnn_window *form, fnn_padding padding)
{
    int c;
    for (c = 0; c < CHANNEL_COUNTS; c++) {
        const int turn = form->height + form->width + c;
        fnn_window w;
        if (make_window(form, channel_counts[c], padding, turn % form->kernel_height,
                        turn / 3 % form->kernel_width, &w))
            continue; /* with other pads it may fit */
        check_window(&w, c % 3);
    }
}

static void every_kernel(int height, int width, int padding)
{
    int kernel, stride, oblong;
    for (kernel = 1; kernel <= 7; kernel++)
        for (stride = 1; stride <= 4; stride++)
            for (oblong = 0; oblong < 2; oblong++) {
                fnn_window w;
                w.height = height;
                w.width = width;
                w.kernel_height = kernel;
                w.stride_height = stride;
                w.kernel_width = oblong ? 1 + (3 * kernel + height) % 7 : kernel;
                w.stride_width = oblong ? 1 + (stride + width) % 4 : stride;
                every_channel(&w, (fnn_padding)padding);
            }
}

static void every_window(void)
{
    int height, width, padding;
    for (height = part_from(LARGEST); height <= part_to(LARGEST); height++)
        for (width = 1; width <= LARGEST; width++)
            for (padding = 0; padding < FNN_PADDING_COUNT && harness_wrong < 10; padding++)
                every_kernel(height, width, padding);
    swept((uint64_t)harness_checks, "");
}

static const harness_test tests[] = {TEST(every_window), POOL_TESTS};
EXHAUSTIVE_MAIN(tests, 1)
