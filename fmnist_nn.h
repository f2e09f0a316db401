/* fmnist_nn.h - version 0.2.0 - multilayer perceptrons and convolutional networks on the CPU at the
 * machine's speed, in one C header with nothing but libc.
 *
 * QUICK START
 *     #define FMNIST_NN_IMPLEMENTATION              in one .c or .cpp file of the program
 *     #include "fmnist_nn.h"
 *
 *     fnn_dataset train, test;
 *     fnn_error error;
 *     if (fnn_read_fashion_mnist(NULL, NULL, &train, &test, &error)) return puts(error.message), 1;
 *     fnn_model *m = fnn_sequential(28, 28, 1);
 *     fnn_normalize(m, FNN_NORMALIZE_DIVIDE_255, &train);
 *     fnn_dense(m, 128, FNN_RELU);
 *     fnn_dense(m, 10, FNN_SOFTMAX);
 *     fnn_fit_config c = fnn_fit_config_init();
 *     c.optimizer = fnn_adam(1e-3), c.epochs = 10, c.batch_size = 100, c.verbose = 1;
 *     if (fnn_fit(m, &train, &c, NULL)) return puts(fnn_model_error(m)->message), 1;
 *     fnn_metrics result;
 *     fnn_result r = fnn_evaluate(m, NULL, &test, &result);
 *     if (r) return puts(fnn_result_text(r)), 1;
 *     printf("test accuracy: %.2f %%\n", 100 * result.accuracy);
 *
 *     cc -O2 app.c -lm                              add -fopenmp for threads
 *
 * CONTENTS: search for a tag to land in its room; a room calls only rooms above it.
 *     DOCUMENTATION   chapters THE SECOND DAY, BUILDING to ARCHITECTURE, below
 *     >>api           what a program calls; all that a user need read
 *   machine
 *     >>platform      compiler macros, intrinsic headers, CPU detection
 *     >>kernel-list   every kernel, named once, with its contract
 *     >>kernels       the room compiled once per instruction set
 *     >>dispatch      the passes, and which table a context gets
 *   ground
 *     >>memory        errors, checked sizes, allocation
 *     >>contexts      instruction set, threads and workspace of a call
 *     >>random        counter-based random numbers
 *     >>threads       the one parallel loop
 *     >>arrays        the kernels on plain arrays, as calls of their own
 *     >>gemm          blocking and packing, no instruction set here
 *     >>windows       what slides over an image: shapes, im2col, image by image
 *     >>conv          convolutions as products of tiles, no instruction set here
 *     >>files         whole files in memory, bytes out, a file replaced safely
 *     >>text          numbers and words: read, written, appended
 *   concepts
 *     >>datasets      samples with labels or targets: ownership, checks, views
 *     >>normalizations  features on a common scale
 *     >>augmentation  flips, shifts and cuts, drawn as a batch is gathered
 *     >>activations   y = f(x), element by element or over a row
 *     >>losses        a loss and its gradient, a page a loss
 *     >>optimizers    constructors, and what a step needs of them and of a configuration
 *     >>schedules     the learning rate as a function of the step, a page a schedule
 *     >>initializers  how weights start
 *     >>parts         what a model is made of: layer, run, plan, place; how a builder begins
 *     >>layers        a page a layer: formula, passes, file, type, builder
 *   engine
 *     >>model         settings, where tensors lie, weights; what a model tells of itself
 *     >>step          a batch forward, back, and the update
 *     >>inference     prediction, evaluation, metrics
 *     >>check         gradients against central differences
 *   doors
 *     >>data          readers of data sets, a page a format
 *     >>file          models as files: safetensors, written and read; checkpoints
 *     >>import        weights of PyTorch and Keras
 *   runs
 *     >>fit           epochs over a data set: history, early stopping, averages, going on
 *     >>search        grid search and cross-validation, their tables
 *
 * ============================================================================
 * DOCUMENTATION
 * ============================================================================
 *
 * THE SECOND DAY: what you want, the calls (comments in >>api), the chapter
 *     arrays of your own         fnn_dataset_table, _images, _regression             DATA
 *     a CSV and its test file    fnn_read_csv, fnn_csv_config.same_classes           DATA
 *     weights of samples         fnn_dataset.weights, .class_weights                 DATA
 *     yes or no, many answers    fnn_set_loss: FNN_LOSS_BINARY_CROSS_ENTROPY         DATA
 *     numbers in their own unit  fnn_set_loss: FNN_LOSS_MEAN_SQUARED_ERROR,
 *                                fnn_normalize_targets                               MODEL
 *     layers as PyTorch's        fnn_conv2d_with, fnn_pool2d_with: FNN_EXPLICIT;
 *                                fnn_dense_with: no_bias                             SHAPES
 *     one row, one image         fnn_predict_one, fnn_predict_one_bytes              THREADS
 *     a look inside              fnn_summary, fnn_tensor_get, fnn_predict_layer      MODEL
 *     a loss, a loop of your own fnn_set_loss_function, fnn_backward_from            TRAINING
 *     layers frozen or slowed    fnn_set_trainable, fnn_set_rate_factor              TRAINING
 *     training that goes on      fnn_fit_config.checkpoint, .stop, fnn_resume        TRAINING
 *     names of classes, notes    fnn_set_names, fnn_set_note                         FILES
 *     a model in the program,    fnn_load_memory,
 *     or sent elsewhere          fnn_save_to, fnn_load_from                          FILES
 *     weights of PyTorch, Keras  fnn_load_weights                                    FILES
 *     a loss that is NaN         fnn_normalize, a lower rate, clip_norm              NUMERICS
 *
 * BUILDING
 *   Copy this file. Every unit that uses it includes it; exactly one defines
 *   FMNIST_NN_IMPLEMENTATION before. C99 or later, C++11 or later; gcc, clang, others (such as tcc)
 *   with the scalar kernels; libc and libm. No -march is needed: the kernels are compiled for every
 *   instruction set of the architecture and chosen when the program runs. -O2 is enough, -O0 works
 *   and is slow. -ffast-math and -Ofast would break exp and the care taken of NaN: the
 *   implementation refuses them; other units of the program may use them. <stdio.h>, <stdlib.h>,
 *   <string.h> and <math.h> come along with the implementation only: units without it include
 *   what they use.
 *
 * OPTIONS, defined before the implementation is included
 *   FMNIST_NN_IMPLEMENTATION  this unit holds the library.
 *   FMNIST_NN_STATIC          all functions are static: a private copy for one unit. Define it in
 *                             that unit only.
 *   FMNIST_NN_NO_SIMD         scalar code only: a small binary, any processor.
 *   FMNIST_NN_NO_AVX512       leaves the AVX-512 kernels out.
 *   FMNIST_NN_REAL            float, or double: the whole library computes in it. Double runs on
 *                             the scalar kernels and is there for exact gradient checks. It is
 *                             static to its unit, which defines FMNIST_NN_IMPLEMENTATION too; other
 *                             units of the program may hold the float library.
 *   FMNIST_NN_MALLOC(bytes), FMNIST_NN_FREE(pointer)  both or neither; malloc and free otherwise.
 *   FNN_API                   what stands before each function's declaration; extern by default. A
 *                             shared library compiled with -fvisibility=hidden exports them with
 *                             #define FNN_API __attribute__((visibility("default")))
 *   FMNIST_NN_FILE            how this file includes itself, for a copy under another name:
 *                             #define FMNIST_NN_FILE "nn.h"
 *
 * SHAPES
 *   Samples are (height, width, channels), channels contiguous; a batch is (N, H, W, C), row-
 *   major. A table of n columns is (1, 1, n). A dense layer takes any shape as flat. Weights of a
 *   dense layer are (inputs, units), row-major, then the biases (units); of a convolution (kernel
 *   height, kernel width, channels, filters), then the biases (filters); of batch norm gamma, then
 *   beta (channels). All three are Keras' orders. Where a batch norm follows, a bias has nothing to
 *   do: fnn_dense_config.no_bias, fnn_conv2d_config.no_bias leave it out.
 *   Windows of convolutions and pools are padded as Keras' (FNN_VALID, FNN_SAME) or as PyTorch's
 *   (FNN_EXPLICIT): Conv2d(C, F, 3, stride=2, padding=1, bias=False) is an fnn_conv2d_config with
 *   strides of 2, FNN_EXPLICIT, pads of 1 and no_bias; MaxPool2d(3, 2, padding=1) an
 *   fnn_pool2d_config of 3 x 3 with the same strides and pads; AdaptiveAvgPool2d(1) is
 *   fnn_global_average_pool2d. FNN_SAME with stride 2 is something else: on an even length its
 *   first window begins one pixel later.
 *
 * MODEL
 *   fnn_sequential, then one call per layer, from the input upwards. Shapes are inferred. The
 *   first fit, forward or fnn_seal draws the weights and fixes the layers; a sigmoid of the last
 *   one becomes a layer of its own then, as softmax is, since a loss may stand before it. Loss and
 *   normalisation belong to the model, so that evaluation and prediction use them too: predict
 *   takes raw pixels, and gives targets normalised by fnn_normalize_targets in their own unit.
 *   Layers of images: fnn_conv2d, fnn_max_pool2d, fnn_average_pool2d, fnn_global_average_pool2d,
 *   fnn_batch_norm, fnn_spatial_dropout, fnn_add for residual connections; of anything: fnn_dense,
 *   fnn_activate, fnn_dropout, fnn_flatten. They go image by image through the caches, a max-pool
 *   behind a convolution in one with it.
 *   To look inside: fnn_summary, fnn_layer_shape; fnn_predict_layer for what a layer makes of
 *   samples; fnn_tensor_get and fnn_tensor_at for its weights, their gradients and what it has
 *   measured, fnn_tensor_values to write them. fnn_copy makes a second model of all of it.
 *
 * TRAINING
 *   fnn_fit runs epochs over a data set, with validation, early stopping, penalty, clipping,
 *   progress and a callback; fnn_fit_config documents each field and its default. steps_per_epoch
 *   lets an epoch be a number of batches. A schedule makes the learning rate a function of the
 *   step: c.schedule = fnn_schedule_cosine(0); ema_decay averages the weights; augmentation shifts,
 *   flips and cuts the training images. For a loop of your own: fnn_forward, fnn_loss,
 *   fnn_backward, fnn_step, fnn_schedule_rate. Parameters and gradients are one array each.
 *   A loss of your own: fnn_set_loss_function for fit and evaluation, or fnn_backward_from in a
 *   loop; fnn_backward_to_input goes on to the inputs. fnn_set_trainable and fnn_set_rate_factor
 *   say layer by layer what is trained, and how fast.
 *   A run of hours: c.checkpoint = "run.checkpoint" has the fit write all that it needs to go on,
 *   c.stop is for Ctrl-C. Then, in the next process, fnn_load it and fnn_resume with the same data
 *   and configuration: the weights end as if nothing had happened, to the last bit. More epochs
 *   and another learning rate may be asked for then. For a checkpoint of each epoch under its own
 *   name, or in a loop of your own, there is fnn_save_checkpoint. What is to be used elsewhere
 *   fnn_save writes, without all that.
 *   fnn_grid_search trains a model for every combination of the numbers that you list, scores each
 *   by a validation split or by k-fold cross-validation, side by side on all threads, and refits
 *   the best; a function of yours makes the model of a combination, so anything can be an axis.
 *   Several processes may share a grid: see fnn_search_config.first and fnn_search_finish.
 *
 * DATA
 *   fnn_read_fashion_mnist, fnn_read_cifar10, fnn_read_idx, fnn_read_csv (plain or gzip), or arrays
 *   of your own, borrowed, never copied: fnn_dataset_images, fnn_dataset_table,
 *   fnn_dataset_regression. Splits, subsets, shuffles and folds are views of the same rows,
 *   stratified by class if wanted; the label of a view's sample is fnn_dataset_label's, not
 *   labels[i]. Pixels stay bytes in memory and become numbers when a batch is gathered, which is
 *   also when they are augmented: no copy is made. Weights say how much samples, or classes,
 *   count.
 *   A CSV table may have text columns, which become one-hot, and missing values, which are refused,
 *   replaced by means or dropped with their line; columns are told by number or by name. A test
 *   file is encoded like its training file by same_classes: the same numbers for classes and
 *   categories, the training set's means. Names of features stay with the data set.
 *   What is learned, and by which loss: one class of several, labels or shares, softmax cross-
 *   entropy; no or yes, labels 0 and 1 or targets in one output or more, binary cross-entropy;
 *   numbers, targets without classes, mean squared error, best normalised.
 *
 * FILES
 *   Every size in a file is checked against what the file holds before memory is taken for it. A
 *   file that is cut, damaged or of another kind is refused; the message names the file, what was
 *   expected and what was found.
 *   fnn_save and fnn_load keep a model in safetensors, the format that Python's library of that
 *   name reads: the layers as text in its metadata, weights as "0.dense.weight" (inputs, units) and
 *   "0.dense.bias" (units), "0.conv2d.weight" (kernel height, kernel width, channels, filters) and
 *   "0.conv2d.bias" (filters), "1.batch_norm.gamma", .beta, .mean and .variance (channels), the
 *   normalisation as "input.shift" and "input.scale", that of targets as "3.rescale.shift" and
 *   .scale. Names of classes and features (fnn_set_names) and notes (fnn_set_note) are further
 *   members of the metadata, names a line each. A layer without biases ends in the word "no_bias"
 *   and has no such tensor. A checksum stands behind the library's version: a file that lost or
 *   changed a bit is refused. The bytes are the same on every machine.
 *   A checkpoint (fnn_save_checkpoint, fnn_fit_config.checkpoint) is such a file with what training
 *   needs to go on: a member "fnn.training" of the metadata, counts and settings by name, and the
 *   tensors "training.state", .average, .best and .history. It takes up to five times the room.
 *   fnn_save_memory and fnn_load_memory do the same with bytes in memory, such as those that
 *   `xxd -i net.safetensors` makes an array of, fnn_save_to and fnn_load_from through functions of
 *   yours.
 *   A save replaces the old file in one step, once the new one is on the disk; a program killed
 *   while it saves may leave a file FILE.tmp-N-N beside it, as may one on Windows that keeps a new
 *   file open. Where another program has a file open there, a save waits for it, for about a
 *   second, before it fails. fnn_check_writable tells before a long training whether its model can
 *   be saved.
 *   fnn_load_weights fills a network that the builders made with the weights of the same one in
 *   PyTorch or Keras: from a safetensors file with their names ("conv1.weight", "dense/kernel") and
 *   in their layouts. What does not fit is named, and nothing is matched by guess.
 *
 * MEMORY
 *   fnn_fit takes all it needs before its first step. Inference allocates nothing in a context
 *   that fnn_reserve has prepared; fnn_memory_size tells what a model takes. A context's allocator
 *   serves everything made in it. Kernels never allocate, except the space of fnn_sgemm,
 *   fnn_conv2d_* and fnn_batch_norm_*, which a context keeps.
 *
 * ERRORS
 *   Fallible calls return an fnn_result. The library never exits, aborts or prints (but fit's
 *   progress, if asked). Models keep the message, see fnn_model_error; readers and contexts fill
 *   an fnn_error. Calls that take a const model, which others may be using, leave no message:
 *   fnn_result_text says what their result means. A failed builder breaks a model that is being
 *   built, so that one check after ten lines is enough.
 *
 * THREADS
 *   Compile with -fopenmp to use them; without it everything works on one thread, and fnn_info
 *   says which. Training uses as many as OpenMP would (OMP_NUM_THREADS), fewer for small work. A
 *   context for inference uses one by default; where fnn_predict_one is called often, keep one:
 *   NULL makes it anew for each call. Any number of threads may share a const model, each with its
 *   own context; data sets that nobody changes; and a context for the elementwise kernels, which
 *   only look up its instruction set. Everything else needs a lock.
 *   fork: OpenMP's threads stay with the parent. Once that has used them (gcc's libgomp), a call
 *   that would use more than one hangs in the child; whatever has threads = 1, which calls nothing
 *   of OpenMP, works there: fnn_context_config.threads of contexts, models and searches
 *   (fnn_sequential_with). Models that the parent made keep the parent's number.
 *
 * SIMD
 *   scalar, avx2 (with FMA), avx512 (F BW DQ VL), neon. A context takes the best that processor
 *   and system support; the environment variable FNN_ISA or fnn_context_config.isa forces one.
 *   Forcing one that is missing is an error.
 *
 * REPRODUCIBILITY
 *   The same build, instruction set and seeds give the same bits, for any number of threads, and
 *   however often training was interrupted and gone on with (fnn_resume). A sample's prediction has
 *   the same bits alone or in any batch. Instruction sets differ in the last bits. Random numbers
 *   are functions of seed, stream and index.
 *
 * NUMERICS
 *   exp and log are within 1 ULP, tanh and sigmoid within 2, subnormals included. Matrix products
 *   sum over k in one order. NaN and infinities propagate; fit stops at a loss that is not finite
 *   by default: mostly the rate is too high, or the inputs are not on one scale (fnn_normalize).
 *   The floating-point environment is left as found.
 *   The bounds are those of the environment that C starts programs in: rounding to nearest, with
 *   subnormal numbers. Under another rounding mode (fesetround) log is within 2 ULP, the others
 *   within 300. A program that is linked with -ffast-math starts with subnormal numbers off (flush-
 *   to-zero: gcc links crtfastmath.o): results that would be subnormal, such as e^-100, are 0 then.
 *   OpenMP's threads keep the environment that they were started in.
 *
 * MIGRATION from 0.1 to 0.2; results and bits are the same but for the point "New results", files
 * but for the version in them
 *   Data sets are read, models are loaded: fnn_load_idx, fnn_load_csv, fnn_load_cifar10 and
 *   fnn_load_fashion_mnist have become fnn_read_idx and so on.
 *   Outputs stand behind all inputs and before the error, and are those that are data sets,
 *   windows, metrics or shapes are zeroed where a call fails:
 *       fnn_read_csv(path, config, allocator, &data, &error)
 *       fnn_read_idx(images, labels, allocator, &data, &error)
 *       fnn_read_fashion_mnist(directory, allocator, &train, &test, &error); cifar10 alike
 *       fnn_read_cifar10_files(files, count, allocator, &data, &error)
 *       fnn_window_make(height, ..., padding, &window)
 *   fnn_schedule_step_decay, FNN_SCHEDULE_STEP_DECAY: what had "step" alone for a name.
 *   Optimisers' constructors take double, as a trial's values are: no cast is needed.
 *   fnn_sequential_with(NULL, ...) and fnn_load(path, NULL, ...) use OpenMP's threads, as
 *   fnn_sequential does.
 *   fnn_metrics has a score, second in the struct, which means what an epoch's and a search's do.
 *   A NULL configuration of a layer is refused with a message of its own.
 *   fnn_loss reads and checks labels, targets and weights when it is called; fnn_forward did.
 *   FNN_API may be defined; every enumeration has a FNN_..._COUNT.
 *   fnn_dataset_split and fnn_dataset_fold take one of fnn_order in place of shuffle, with the same
 *   values 0 and 1; others than these and 2 are refused.
 *   Metadata of a model file that the library does not know are notes (fnn_note), not refused.
 *   Model files have a checksum; those without one are read as before.
 *   Configurations have new fields, some between the old ones, as fnn_fit_config.checkpoint before
 *   verbose: initialisers that list values by place are to be looked at. One of a search that does
 *   not begin with fnn_search_config_init needs every = 1.
 *   A model keeps what its last fit needs to go on until the next one: see fnn_memory_size.
 *   $FMNIST_DIR and $CIFAR10_DIR, once set, are the only place that is looked at.
 *   A CSV file read with same_classes must have the columns of that set, by number and by name.
 *   New results: losses that cannot learn are refused, as cross-entropy of a single output or of
 *   targets that are no shares; so are targets whose columns do not fit the classes. R2 of targets
 *   that do not vary is 1 or 0. Of equal candidates of a search the smaller loss is first.
 *   Where labels stand beside targets of classes, scores go by the labels, losses by the targets.
 *   The double library is static to its unit (no symbol ends in _f64 any more): define the
 *   implementation in each unit that uses it.
 *
 * ARCHITECTURE
 *   A training step. fnn_fit takes one after the other; fnn_forward, fnn_loss, fnn_backward and
 *   fnn_step do the same in four calls. Who calls whom goes down and to the right:
 *
 *     fnn_fit                       >>fit     order of the samples, rate, averages, early stopping
 *      +- fnni_train_step           >>step
 *          +- a parallel loop a stage; each thread has rows of the batch, and carries one image, or
 *          |  a group of rows, through all of it before it takes the next:
 *          |      gather            >>datasets >>augmentation    bytes become numbers
 *          |      type->forward     >>layers                     the stage's layers, upwards
 *          |      loss              >>losses                     in the last stage (the user's own:
 *          |                                                     behind it, for the whole batch)
 *          |      type->backward    >>layers                     the stage's layers, downwards
 *          +- one more loop; each thread has rows of every layer's weights:
 *                 type->gradient    >>layers                     a block of dW over the batch
 *                 optimiser         >>optimizers                 takes it while it is cached
 *     layers  ->  products (>>gemm, >>conv)  ->  context->kernels (>>kernels, one table for each
 *                                                instruction set, chosen in >>dispatch)
 *
 *   Words (structs in >>parts; stages are found in >>model, shares dealt in >>conv):
 *     layer   numbers of one layer of a model; its type says what such a layer can do.
 *     run     one batch on its way: where its tensors are. A model has one for training; in
 *             inference each thread makes one in its context's workspace.
 *     stage   layers that run in one parallel loop. A new one begins where the whole batch must be
 *             there first (batch norm) and where images give way to rows (the first dense layer):
 *                 conv pool | batch_norm conv pool | dense dense      three stages
 *     share   a sixteenth of the batch's images. Gradients of convolutions are summed within each
 *             share, then over the shares in order, so that no sum depends on the threads:
 *                 images 0 1 2 3 4 5 6 | 7 8 9 ...   a thread takes whole shares
 *     plan    what a layer prepares for a pass: where its packed weights lie in the workspace.
 *     place   where an output or gradient is: stored for all rows of the batch, or transient, in
 *             the thread's workspace, when nobody reads it after the image has passed.
 *
 *   To add something, in this order:
 *     activation       a row in FNN_ACTIVATION_LIST (>>api); its two formulas in >>kernels (of a
 *                      ROW, a kernel and its gradient in >>activations); a twin in tests/twins.h.
 *     layer            a page in >>layers and a row in FNNI_LAYER_LIST behind the pages; its
 *                      builder's prototype in >>api; a row in tests/test_gradients.c.
 *     loss             a row in FNN_LOSS_LIST (>>api); a page in >>losses; a row in
 *                      tests/test_gradients.c.
 *     optimiser        a row in FNN_OPTIMIZER_LIST (>>api) with its constructor's prototype; a
 *                      page in >>optimizers; its formula in >>kernels; a twin in
 *                      tests/test_optimizers.c.
 *     schedule         a row in FNN_SCHEDULE_LIST (>>api) with its constructor's prototype; a page
 *                      in >>schedules; a row in tests/test_schedule.c.
 *     order of samples, role of a column, missing values    a row in its list (>>api); its case in
 *                      >>datasets, or among the CSV pages of >>data; a test in tests/test_views.c,
 *                      or in tests/test_csv.c.
 *     IDX type, what turns up in place of data    a row in its list (>>data).
 *     normalisation, initialiser    a row in its list (>>api); a row in tests/test_views.c, or in
 *                      tests/test_model.c.
 *     instruction set  a row in FNN_ISA_LIST (>>api); a block of vocabulary in >>kernels; a pass in
 *                      >>dispatch.
 *     weights from elsewhere    a row in FNN_WEIGHTS_FORMAT_LIST (>>api); a test in
 *                      tests/test_import.c.
 *     data format      a page in >>data that fills a zeroed fnn_dataset; its prototype in >>api; a
 *                      test of its own beside tests/test_idx.c.
 */
#if defined(__cplusplus) ? __cplusplus < 201103L && !defined(_MSC_VER) \
                         : !defined(__STDC_VERSION__) || __STDC_VERSION__ < 199901L
#error "fmnist_nn.h needs C99 or later, or C++11 or later"
#elif !defined(FNNI_PASS) /* not one of the kernel passes, in which this file includes itself */
#ifndef FMNIST_NN_H
#define FMNIST_NN_H

/* ============================================================================
 * >>api  what a program calls; all that a user need read
 * ============================================================================ */
#include <stddef.h>
#include <stdint.h>

#define FNN_VERSION "0.2.0"

#ifndef FMNIST_NN_REAL
#define FMNIST_NN_REAL float
#endif
#define FNNI_REAL_IS_float 0
#define FNNI_REAL_IS_double 1
#define FNNI_REAL_TEST_(type) FNNI_REAL_IS_##type
#define FNNI_REAL_TEST(type) FNNI_REAL_TEST_(type)
#define FNNI_REAL_IS_DOUBLE FNNI_REAL_TEST(FMNIST_NN_REAL)

#if defined(FMNIST_NN_STATIC) || FNNI_REAL_IS_DOUBLE
#undef FNN_API /* one given is for the library that others link with */
#if defined(__GNUC__) || defined(__clang__)
#define FNN_API static __attribute__((unused))
#else
#define FNN_API static
#endif
#define FNN_DEF FNN_API
#else
#ifndef FNN_API
#define FNN_API extern
#endif
#define FNN_DEF
#endif

#if FNNI_REAL_IS_DOUBLE && !defined(FMNIST_NN_IMPLEMENTATION)
#error "fmnist_nn.h: the double library is static: define FMNIST_NN_IMPLEMENTATION in this unit too"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The number type of the whole library: float, or double with #define FMNIST_NN_REAL double. */
typedef FMNIST_NN_REAL fnn_real;

/* ---- results and errors ---- */

/* Every fallible call returns one of these; X(name, text). */
/* clang-format off */
#define FNN_RESULT_LIST(X) \
    X(FNN_OK, "no error") \
    X(FNN_ERROR_ARGUMENT, "an argument is not valid") \
    X(FNN_ERROR_MEMORY, "out of memory") \
    X(FNN_ERROR_FILE, "a file could not be opened, read or written") \
    X(FNN_ERROR_FORMAT, "a file's contents are not what they should be") \
    X(FNN_ERROR_STATE, "another call must come first: for a new model fnn_seal or fnn_fit") \
    X(FNN_ERROR_NUMERIC, "a number is not finite")
/* clang-format on */
#define FNNI_ENUM(name, ...) name, /* makes an enum of this list and of those below */
#define FNNI_ENUM_NAME(name) name, /* of those whose rows are names alone */
typedef enum fnn_result { FNN_RESULT_LIST(FNNI_ENUM) FNN_RESULT_COUNT } fnn_result;

/* A general text for a result. fnn_error.message and fnn_model_error say what happened in this
 * case; NULL is never returned. */
FNN_API const char *fnn_result_text(fnn_result result);

/* What went wrong: filled by calls that take one (NULL is allowed everywhere). */
typedef struct fnn_error {
    fnn_result code;
    char message[256];
} fnn_error;

/* ---- contexts: instruction set, threads, memory ---- */

/* Where memory comes from. NULL functions: FMNIST_NN_MALLOC and FMNIST_NN_FREE, which are
 * malloc and free. The library aligns what it gets; any address will do. */
typedef struct fnn_allocator {
    void *(*allocate)(void *user, size_t bytes); /* NULL when there is no memory */
    void (*release)(void *user, void *memory);
    void *user;
} fnn_allocator;

/* The instruction sets that have kernels; X(name, word, machine): what it is called in
 * FNN_ISA and in messages, and (private) whether this machine has it. */
/* clang-format off */
#define FNN_ISA_LIST(X) \
    X(FNN_ISA_SCALAR, scalar, 1)                                /* plain C, on any machine */ \
    X(FNN_ISA_AVX2,   avx2,   fnni_x86_has(0x06, 0x00000020u))  /* and FMA: 8 reals at a time */ \
    X(FNN_ISA_AVX512, avx512, fnni_x86_has(0xe6, 0xc0030020u))  /* F, BW, DQ, VL: 16 */ \
    X(FNN_ISA_NEON,   neon,   1)                                /* of 64-bit ARM: 4 */
/* clang-format on */
typedef enum fnn_isa {
    FNN_ISA_BEST, /* the best this machine has, or what the environment variable FNN_ISA says */
    FNN_ISA_LIST(FNNI_ENUM) FNN_ISA_COUNT
} fnn_isa;

#define FNN_THREADS_OPENMP (-1) /* as many as OpenMP would use: OMP_NUM_THREADS or the cores */
#define FNN_THREADS_MOST 1024   /* that a context may have */

typedef struct fnn_context_config {
    fnn_isa isa;             /* FNN_ISA_BEST */
    int threads;             /* 1; to FNN_THREADS_MOST, or FNN_THREADS_OPENMP */
    fnn_allocator allocator; /* malloc and free */
} fnn_context_config;

/* A context holds the instruction set, the number of threads and the workspace of the calls
 * that get it: one context, one call at a time. A kernel that gets NULL as
 * its context uses one thread and the best instruction set, and takes workspace for this call. */
typedef struct fnn_context fnn_context;

/* The defaults named beside the fields above. */
FNN_API fnn_context_config fnn_context_config_init(void);

/* Makes a context (config NULL: the defaults). Returns NULL and fills *error when memory is
 * out, when the instruction set asked for (by the config or by FNN_ISA) is unknown, not in this
 * build or not on this machine, or when the number of threads is out of range. */
FNN_API fnn_context *fnn_context_create(const fnn_context_config *config, fnn_error *error);

/* Frees a context; NULL is allowed. */
FNN_API void fnn_context_free(fnn_context *context);

/* One line: version, real, instruction set, OpenMP or not. context NULL: what NULL would get. */
FNN_API const char *fnn_info(const fnn_context *context);

/* Whether this build and this machine have the instruction set: 1 or 0. */
FNN_API int fnn_isa_available(fnn_isa isa);

/* Its name, as FNN_ISA takes it; "unknown" for another number. */
FNN_API const char *fnn_isa_name(fnn_isa isa);

/* ---- activations ---- */

/* Activations y = f(x), of each element, or (ROW) of a whole row of them; X(name, word, a, traits):
 * the word in files and messages; the parameter a for builders that take none (Keras' slope and
 * scale); private: its traits, FNNI_IDENTITY and so on. */
/* clang-format off */
#define FNN_ACTIVATION_LIST(X, ROW) \
    X(FNN_LINEAR,     linear,     0,  FNNI_KEEPS_ORDER | FNNI_IDENTITY) /* x */ \
    X(FNN_RELU,       relu,       0,  FNNI_KEEPS_ORDER) /* max(x, 0) */ \
    X(FNN_LEAKY_RELU, leaky_relu, .3, FNNI_KEEPS_ORDER | FNNI_HAS_PARAMETER) \
                                                       /* x > 0 ? x : a x */ \
    X(FNN_ELU,        elu,        1,  FNNI_HAS_PARAMETER) /* x > 0 ? x : a (e^x - 1) */ \
    X(FNN_GELU,       gelu,       0,  FNNI_SLOPE_OF_X) /* x/2 (1 + erf(x / sqrt 2)) */ \
    X(FNN_SIGMOID,    sigmoid,    0,  0)               /* 1 / (1 + e^-x) */ \
    X(FNN_TANH,       tanh,       0,  0)               /* tanh x */ \
    ROW(FNN_SOFTMAX,  softmax,    0,  0)               /* e^x / sum e^x over the row */
/* clang-format on */
typedef enum fnn_activation {
    FNN_ACTIVATION_LIST(FNNI_ENUM, FNNI_ENUM) FNN_ACTIVATION_COUNT
} fnn_activation;

/* ---- data sets ---- */

/* Samples with their labels or targets: a view of arrays that it owns only if a loader made them.
 *
 * Your own arrays become one in a line; nothing is copied, the arrays must outlive the data set and
 * everything made from it, and `fnn_dataset_check` tells what is wrong. A copy by assignment
 * borrows: free only the original, and last.
 *
 *     fnn_dataset iris = fnn_dataset_table(measurements, species, 150, 4, 3);
 *
 * Other kinds (real images, one-hot targets, names): zero the struct and fill in the fields above
 * `allocator`.
 */
typedef struct fnn_dataset {
    int64_t count;               /* samples */
    int height, width, channels; /* of one sample; features = height * width * channels.
                                    A table of n columns is 1 x 1 x n */
    const uint8_t *bytes;        /* (rows, height, width, channels) raw pixels, or NULL */
    const fnn_real *reals;       /* the same shape as numbers, or NULL: exactly one of the two */
    const int32_t *labels;       /* (rows) class numbers 0 .. classes - 1, or NULL */
    const fnn_real *targets;     /* (rows, target_count) one-hot or regression targets, or NULL */
    int classes;                 /* of labels or one-hot targets, 0 without: these are scored by
                                    accuracy, other targets by R2. Targets have as many columns, or
                                    one of 0 and 1 for two classes */
    int target_count;            /* 0 without targets */
    const int64_t *index;        /* (count) sample i is row index[i]; NULL: sample i is row i */
    int64_t rows; /* rows the arrays hold; may stay 0 (meaning count) without index */
    const char *const *class_names;   /* (classes) zero-terminated names, or NULL */
    const char *const *feature_names; /* (features) the same of the features, or NULL */
    const fnn_real *weights;          /* (rows) how much each sample counts, >= 0; NULL: 1 each */
    const fnn_real *class_weights;    /* (classes) a factor of that for a class's samples, or NULL;
                                       not where binary cross-entropy has several targets a sample.
                                       A sample's loss and gradient are multiplied by its weight,
                                       means stay over the count, as in Keras; accuracy and R2 are
                                       shares of the weights. A sample of weight 0 has no part,
                                       even where its target is NaN */
    fnn_allocator allocator; /* where memory made for this data set and its views comes from;
                                    zeroed: FMNIST_NN_MALLOC */
    const struct fnn_encoding *encoding; /* private: how a reader made features of a table's
                                    columns, for tables to be read alike; leave it NULL */
    void *owned[8]; /* private: what fnn_dataset_free releases; leave it NULL */
} fnn_dataset;

/* Data sets over your own arrays, which fit, evaluation and prediction check (fnn_dataset_check),
 * and a loop of your own batch by batch. labels and targets may be NULL: samples to predict, for
 * which classes is 0. */

/* Images of bytes: bytes (count, height, width, channels), labels (count) in 0 .. classes - 1. */
FNN_API fnn_dataset fnn_dataset_images(const uint8_t *bytes, const int32_t *labels, int64_t count,
                                       int height, int width, int channels, int classes);

/* A table of numbers: reals (count, columns), labels (count) in 0 .. classes - 1. */
FNN_API fnn_dataset fnn_dataset_table(const fnn_real *reals, const int32_t *labels, int64_t count,
                                      int columns, int classes);

/* A table with numbers to predict: reals (count, columns), targets (count, target_count). */
FNN_API fnn_dataset fnn_dataset_regression(const fnn_real *reals, const fnn_real *targets,
                                           int64_t count, int columns, int target_count);

/* Releases what the data set owns and zeroes the struct: the arrays of a loader, or a view's index.
 * Safe on NULL, on a zeroed struct, after a failed load, and twice. Views of a data set must not be
 * used after it is freed. */
FNN_API void fnn_dataset_free(fnn_dataset *data);

/* Checks a data set made by hand: sizes, exactly one of bytes and reals, targets that fit the
 * classes, every label and index in range, weights finite, >= 0 and not all 0. Looks at every
 * label, index and weight, not at pixels or targets (which may be NaN).
 * Returns FNN_OK or FNN_ERROR_ARGUMENT; `error` (may be NULL) names the first thing wrong. */
FNN_API fnn_result fnn_dataset_check(const fnn_dataset *data, fnn_error *error);

/* Where sample i of a view is. In a view data->labels[i] is another sample's: these three look
 * through the index. They check i against count, not the arrays (fnn_dataset_check). */

/* The row of the arrays that holds sample i: its pixels are at bytes + row * features. -1 for NULL
 * and for an i that is not in 0 .. count - 1. */
FNN_API int64_t fnn_dataset_row(const fnn_dataset *data, int64_t i);

/* The class of sample i: its label, or without labels the place of its largest target, the first of
 * equals (of two classes with a single target: 1 above one half, else 0). A loss goes by the
 * targets where both are given: shares from elsewhere can be learned, and scored by the labels.
 * -1 where samples have no classes, and as above. */
FNN_API int32_t fnn_dataset_label(const fnn_dataset *data, int64_t i);

/* The targets (target_count) of sample i. NULL without targets, and where the row is -1. */
FNN_API const fnn_real *fnn_dataset_target(const fnn_dataset *data, int64_t i);

/* Counts the samples of each class. `counts` has data->classes elements and is overwritten.
 * Returns FNN_ERROR_ARGUMENT without labels, or when a label is out of range. */
FNN_API fnn_result fnn_dataset_class_counts(const fnn_dataset *data, int64_t *counts);

/* Views. Each makes `*out` a data set that borrows the rows of `data` and owns only its index: free
 * it with fnn_dataset_free, before `data`. Views of views work. Outputs are overwritten without
 * being freed first, must not be `data` nor each other, and are zeroed on failure. The same seed
 * gives the same view on every machine. All return FNN_ERROR_ARGUMENT on counts, positions or
 * pointers that make no sense (`error`, which may be NULL, says which) or FNN_ERROR_MEMORY. */

/* The samples at the positions samples[0 .. count - 1] of `data`, in that order; a position may
 * occur more than once (a bootstrap). */
FNN_API fnn_result fnn_dataset_subset(const fnn_dataset *data, const int64_t *samples,
                                      int64_t count, fnn_dataset *out, fnn_error *error);

/* All samples in random order (Fisher-Yates: every order equally likely). */
FNN_API fnn_result fnn_dataset_shuffle(const fnn_dataset *data, uint64_t seed, fnn_dataset *out,
                                       fnn_error *error);

/* How samples are ordered before they are cut into parts. */
/* clang-format off */
#define FNN_ORDER_LIST(X) \
    X(FNN_ORDER_KEEP)       /* 0: as they are */ \
    X(FNN_ORDER_SHUFFLE)    /* 1: in random order */ \
    X(FNN_ORDER_STRATIFIED) /* 2: in random order, and each part gets its share of each class */
/* clang-format on */
typedef enum fnn_order { FNN_ORDER_LIST(FNNI_ENUM_NAME) FNN_ORDER_COUNT } fnn_order;

/* The first `first_count` samples into `first`, the others into `second`; order: one of fnn_order,
 * by `seed`. 0 <= first_count <= data->count: one part may be empty. Stratified, `first` has of n
 * samples of a class n * first_count / count, rounded down, or up where the remainder is among the
 * largest (of equals, the lower class's). The class is that of fnn_dataset_label; a data set
 * without classes is FNN_ERROR_ARGUMENT. */
FNN_API fnn_result fnn_dataset_split(const fnn_dataset *data, int64_t first_count, int order,
                                     uint64_t seed, fnn_dataset *first, fnn_dataset *second,
                                     fnn_error *error);

/* Fold number `fold` (from 0) of `folds`-fold cross-validation: a contiguous part of the samples in
 * their order (one of fnn_order, by `seed`) is `validation`, all others are `train`. The folds of
 * one seed are a partition; when `folds` does not divide the count, the first ones hold one sample
 * more. Stratified, each fold has of n samples of a class n / folds, rounded down or up; the class
 * is as for fnn_dataset_split. 2 <= folds <= data->count. */
FNN_API fnn_result fnn_dataset_fold(const fnn_dataset *data, int folds, int fold, int order,
                                    uint64_t seed, fnn_dataset *train, fnn_dataset *validation,
                                    fnn_error *error);

/* Loaders. Each overwrites `*out` (not freed first) and leaves it zeroed on failure; free it with
 * fnn_dataset_free. `allocator` may be NULL (FMNIST_NN_MALLOC) and must otherwise keep working
 * until the data set and its views are freed. A file may be plain or gzip-compressed: its first two
 * bytes tell, not its name. They return FNN_ERROR_FILE when a file cannot be opened or read,
 * FNN_ERROR_FORMAT when its contents are wrong, FNN_ERROR_MEMORY, or FNN_ERROR_ARGUMENT; `error`
 * (may be NULL) names the file, what was expected and what was found. */

/* Loads IDX, the format of MNIST and Fashion-MNIST, with fnn_idx_config_init().
 * images: an IDX file of 1 dimension (n): a column; 2 (n, channels); 3 (n, height, width) or 4 (n,
 * height, width, channels). Unsigned bytes stay bytes; int8, int16, int32, float and double become
 * reals: rounded where fnn_real cannot hold them, FNN_ERROR_FORMAT where a finite number is beyond
 * its range; NaN and infinities stay. labels: an IDX file of n integers of any type, or NULL; of 2
 * dimensions (n, k), column 0 is the class, as in QMNIST. classes becomes the largest label + 1. */
FNN_API fnn_result fnn_read_idx(const char *images, const char *labels,
                                const fnn_allocator *allocator, fnn_dataset *out, fnn_error *error);

/* How to read IDX files; start from fnn_idx_config_init(), then change fields. */
typedef struct fnn_idx_config {
    int transpose;       /* 0; 1: height and width change places, as EMNIST's images need */
    int compact_classes; /* 0: labels are 0 .. 65535 and are kept. 1: as in fnn_csv_config: EMNIST's
                            letters, 1 to 26, become 0 to 25, and class_names "1" to "26" */
    const fnn_dataset *same_classes; /* NULL, or the training set whose classes this one's are */
} fnn_idx_config;

/* The defaults named beside the fields above: all zero. */
FNN_API fnn_idx_config fnn_idx_config_init(void);

/* Loads IDX as the configuration says (NULL: fnn_idx_config_init()). A class that same_classes does
 * not have is FNN_ERROR_FORMAT. */
FNN_API fnn_result fnn_read_idx_with(const char *images, const char *labels,
                                     const fnn_idx_config *config, const fnn_allocator *allocator,
                                     fnn_dataset *out, fnn_error *error);

/* Loads Fashion-MNIST (60,000 and 10,000 images of 28 x 28 x 1, 10 classes with their names).
 * directory: holds the four files under their original names, with or without `.gz`; NULL takes
 * $FMNIST_DIR if that is set and not empty, else the first of `data` and
 * /usr/share/datasets/fashion-mnist that has the files. train, test: either may be NULL (not
 * loaded), not both. Fewer images than the original are accepted, another size or a label above 9
 * is not. The original MNIST has the same file names and loads too (its class names are then wrong:
 * set class_names to NULL). */
FNN_API fnn_result fnn_read_fashion_mnist(const char *directory, const fnn_allocator *allocator,
                                          fnn_dataset *train, fnn_dataset *test, fnn_error *error);

/* Loads CIFAR-10 in its binary version (Krizhevsky 2009): 32 x 32 x 3 bytes in the order (height,
 * width, channels: red, green, blue), 10 classes with their names. directory: holds
 * data_batch_1.bin to data_batch_5.bin (train) and test_batch.bin (test), with or without `.gz`;
 * NULL takes $CIFAR10_DIR if that is set and not empty, else `data/cifar-10-batches-bin`. train,
 * test: either may be NULL (not loaded), not both. Fewer images a file are accepted. While loading,
 * all files and the data set are in memory together: twice the size. */
FNN_API fnn_result fnn_read_cifar10(const char *directory, const fnn_allocator *allocator,
                                    fnn_dataset *train, fnn_dataset *test, fnn_error *error);

/* The same of `count` files of your choice, one after the other. Each is a row of records: a label
 * byte 0 to 9, then 1024 bytes of red, of green and of blue. */
FNN_API fnn_result fnn_read_cifar10_files(const char *const *files, int count,
                                          const fnn_allocator *allocator, fnn_dataset *out,
                                          fnn_error *error);

/* What the label column of a CSV file holds. */
typedef enum fnn_csv_label {
    FNN_CSV_LABEL_NONE,  /* there is no label column: all columns are features */
    FNN_CSV_LABEL_CLASS, /* class numbers: integers */
    FNN_CSV_LABEL_NAME,  /* class names: any text, numbered in the order of their bytes (strcmp) */
    FNN_CSV_LABEL_TARGET /* a number to predict: goes to targets. More than one column may be so */
} fnn_csv_label;

/* What a column of a CSV file is. */
/* clang-format off */
#define FNN_CSV_ROLE_LIST(X) \
    X(FNN_CSV_FEATURE) /* a number: one feature */ \
    X(FNN_CSV_TEXT)    /* any text: one-hot, a feature for each category, in their strcmp order */ \
    X(FNN_CSV_LABEL)   /* what fnn_csv_config.label says */ \
    X(FNN_CSV_SKIPPED) /* left out */
/* clang-format on */
typedef enum fnn_csv_role { FNN_CSV_ROLE_LIST(FNNI_ENUM_NAME) FNN_CSV_ROLE_COUNT } fnn_csv_role;

/* A column that is something else than the others. */
typedef struct fnn_csv_column {
    const char *name; /* as in the header line; NULL: `number` says which */
    int number;       /* from 0; negative counts from the end */
    fnn_csv_role role;
} fnn_csv_column;

/* What becomes of missing values: empty fields and missing_words, quoted or not. A mean is one over
 * the samples that have the value, of a text column the share of each category; of labels and
 * targets none is taken (FNN_ERROR_FORMAT), nor of a feature without any value. */
/* clang-format off */
#define FNN_CSV_MISSING_LIST(X) \
    X(FNN_CSV_MISSING_REFUSE) /* empty fields are FNN_ERROR_FORMAT; words mean nothing special */ \
    X(FNN_CSV_MISSING_MEAN)   /* the feature becomes its mean; not with keep_bytes */ \
    X(FNN_CSV_MISSING_DROP)   /* the line is left out unread; skipped columns do not count */
/* clang-format on */
typedef enum fnn_csv_missing {
    FNN_CSV_MISSING_LIST(FNNI_ENUM_NAME) FNN_CSV_MISSING_COUNT
} fnn_csv_missing;

/* How to read a CSV file; start from fnn_csv_config_init(), then change fields. */
typedef struct fnn_csv_config {
    char separator;      /* ',' ';' '\t' ...; ' ' stands for any run of spaces and tabs. A first
                                 line `sep=;`, as Excel writes it, overrides it */
    int header;          /* so many lines, blank ones not counted, stand before the samples; the
                                 first of them names the columns */
    fnn_csv_label label; /* what the label column holds */
    int label_column;    /* from 0; negative counts from the end: -1 is the last column. Only where
                                 `columns` has no FNN_CSV_LABEL */
    int compact_classes; /* FNN_CSV_LABEL_CLASS only. 0: numbers are kept, must be 0 .. 65535,
                                 and classes = largest + 1, so that 1 2 3 4 5 7 makes 8 classes of
                                 which two are empty. 1: the numbers that occur (any integers up to
                                 16 million) become 0, 1, 2 ... in ascending order, and class_names
                                 hold the original numbers */
    const struct fnn_dataset *same_classes; /* NULL, or a loaded training set that this file must be
                                 encoded like: its classes (and, for names and compacted numbers,
                                 class_names), the categories of its text columns, its means in
                                 place of missing values. A class or category that it does not have
                                 is FNN_ERROR_FORMAT, as are other feature names than its own.
                                 All is copied */
    int keep_bytes; /* 1: features are integers 0 .. 255 and stay bytes (a quarter of the
                                 memory); anything else is FNN_ERROR_FORMAT. 0: reals */
    int height, width, channels; /* of one sample, whose product is the number of features;
                                 0, 0, 0: a table, 1 x 1 x features */
    const int *skip_columns; /* (skip_count) columns to leave out, negative from the end, or NULL */
    int skip_count;
    const fnn_csv_column *columns; /* (column_count) columns that are not what others says, or
                                 NULL. Targets come in the order of the file */
    int column_count;
    fnn_csv_role others; /* FNN_CSV_FEATURE; what all other columns are: FNN_CSV_SKIPPED takes
                                 only those that are listed */
    int categories;      /* 256, at most 65536: the most that a text column may have. Each becomes a
                                 feature, so that a column of identifiers would fill the memory */
    fnn_csv_missing missing;   /* FNN_CSV_MISSING_REFUSE */
    const char *missing_words; /* "?"; words with blanks between them that stand for a missing
                                 value, as an empty field does: "? NA -999". NULL: none */
    char comment;              /* 0; '#' ...: lines that begin so, after blanks, are left out */
    int skip_lines; /* 0; so many lines at the start of the file, behind sep=, are left out, of
                                 whatever form */
} fnn_csv_config;

/* The defaults: comma, no header line, class numbers in the last column, kept as they are; features
 * as reals; a table; nothing skipped or missing; what else is named beside the fields above. Files
 * and what to change:
 *     Kaggle's Fashion-MNIST: header = 1, label_column = 0, keep_bytes = 1, height = width = 28,
 *                             channels = 1
 *     UCI Iris:               label = FNN_CSV_LABEL_NAME
 *     UCI Statlog (Landsat):  separator = ' ', compact_classes = 1 (1..7 without 6),
 *                             keep_bytes = 1; for sat.tst also same_classes = the set of sat.trn
 *     UCI Mushroom:           label = FNN_CSV_LABEL_NAME, label_column = 0, others = FNN_CSV_TEXT,
 *                             missing = FNN_CSV_MISSING_MEAN
 * Columns by name, with two targets:
 *     static const fnn_csv_column columns[] = {
 *         {"town", 0, FNN_CSV_TEXT}, {"id", 0, FNN_CSV_SKIPPED},
 *         {"rent", 0, FNN_CSV_LABEL}, {"price", 0, FNN_CSV_LABEL}};
 *     c.header = 1, c.label = FNN_CSV_LABEL_TARGET, c.columns = columns, c.column_count = 4; */
FNN_API fnn_csv_config fnn_csv_config_init(void);

/* Loads a table of text: one sample a line, all lines with the same number of columns.
 * RFC 4180 quotes ("a ""quoted"" word, with a comma or a line end"), CRLF, LF or CR, a missing last
 * line end, a UTF-8 byte order mark, blank lines (ignored) and blanks round a field are accepted.
 * Numbers are decimal with a point (`-1.5e-3`), correctly rounded to fnn_real whatever the locale;
 * hexadecimal, inf, nan and empty fields are FNN_ERROR_FORMAT, as is a number beyond the range of
 * fnn_real. Where the header line has as many fields as the others, feature_names come from it;
 * those of a text column are "town=Paris". `error` names line and column (both from 1). Memory is a
 * multiple of the file's size, at most as many reals a field as `categories` allows.
 * config NULL: fnn_csv_config_init(). */
FNN_API fnn_result fnn_read_csv(const char *path, const fnn_csv_config *config,
                                const fnn_allocator *allocator, fnn_dataset *out, fnn_error *error);

/* How features are brought to a common scale: x' = (x - shift[j]) * scale[j] for feature j. */
/* clang-format off */
#define FNN_NORMALIZATION_LIST(X) \
    /* X(kind, name in files, what it takes of the data, scale); shift is the mean, if taken */ \
    X(FNN_NORMALIZE_NONE, none, FNNI_NO_STATISTICS, 1.0) \
    X(FNN_NORMALIZE_DIVIDE_255, divide_255, FNNI_NO_STATISTICS, 1.0 / 255.0) \
    X(FNN_NORMALIZE_MEAN, mean, FNNI_MEANS, 1.0) \
    X(FNN_NORMALIZE_MEAN_DIVIDE_255, mean_divide_255, FNNI_MEANS, 1.0 / 255.0) \
    X(FNN_NORMALIZE_STANDARDIZE, standardize, FNNI_VARIANCES, \
      variance != 0.0 ? 1.0 / sqrt(variance) : 1.0) \
    X(FNN_NORMALIZE_MEAN_VARIANCE, mean_variance, FNNI_VARIANCES, \
      variance != 0.0 ? 1.0 / variance : 1.0) \
    X(FNN_NORMALIZE_GIVEN, given, FNNI_GIVEN, 1.0) /* fnn_normalize_with: not of data */
/* clang-format on */
typedef enum fnn_normalization {
    FNN_NORMALIZATION_LIST(FNNI_ENUM) FNN_NORMALIZATION_COUNT
} fnn_normalization;

/* Computes shift and scale of each feature from `data` (the training set: apply the same numbers to
 * validation and test sets). shift, scale: (features), overwritten. Means and population variances
 * (divided by count) are summed in double; a feature without any spread is divided by 1.
 * Returns FNN_ERROR_NUMERIC when a statistic is not finite in fnn_real (a NaN or Inf in the data, a
 * variance too small to divide by), FNN_ERROR_ARGUMENT (FNN_NORMALIZE_GIVEN takes nothing of data),
 * or FNN_ERROR_MEMORY (it needs 16 bytes a feature, from data->allocator). On failure shift and
 * scale are unspecified. */
FNN_API fnn_result fnn_normalization_compute(fnn_normalization kind, const fnn_dataset *data,
                                             fnn_real *shift, fnn_real *scale, fnn_error *error);

/* ---- layers ---- */

/* How weights start, of a layer whose units have so many inputs (in) and outputs (out). */
/* clang-format off */
#define FNN_INITIALIZER_LIST(X) \
    /* X(kind, 1: normal of that deviation, 0: uniform within +- that bound, the number) */ \
    X(FNN_GLOROT_UNIFORM, 0, sqrt(6 / (in + out))) /* Glorot and Bengio 2010; Keras' choice */ \
    X(FNN_GLOROT_NORMAL, 1, sqrt(2 / (in + out))) \
    X(FNN_HE_NORMAL, 1, sqrt(2 / in)) /* He et al. 2015 */ \
    X(FNN_HE_UNIFORM, 0, sqrt(6 / in)) \
    X(FNN_FAN_IN_UNIFORM, 0, 1 / sqrt(in)) /* PyTorch's choice for weights and biases */ \
    X(FNN_NORMAL, 1, 1) \
    X(FNN_UNIFORM, 0, 1) \
    X(FNN_ZEROS, 0, 0)
/* clang-format on */
typedef enum fnn_initializer_kind {
    FNN_INITIALIZER_LIST(FNNI_ENUM) FNN_INITIALIZER_COUNT
} fnn_initializer_kind;

/* The values above times scale. */
typedef struct fnn_initializer {
    fnn_initializer_kind kind;
    fnn_real scale;
} fnn_initializer;

/* ---- models ---- */

/* A model is a stack of layers on inputs of one shape. Build it, then use it: the first fit,
 * forward or fnn_seal fixes the layers. A builder that fails leaves its message in the model,
 * every later call fails the same way, and every call accepts a NULL model (FNN_ERROR_MEMORY), so
 * that one look at the last result or at fnn_model_error is enough. Once the layers are fixed a
 * builder fails alone: the model stays as it was. */
typedef struct fnn_model fnn_model;

/* An empty model for inputs (height, width, channels); a table of n columns is (1, 1, n). It
 * computes on the best instruction set with as many threads as OpenMP would use. NULL: no
 * memory. */
FNN_API fnn_model *fnn_sequential(int height, int width, int channels);

/* The same with an instruction set, threads and an allocator of your choice; NULL: as
 * fnn_sequential. */
FNN_API fnn_model *fnn_sequential_with(const fnn_context_config *config, int height, int width,
                                       int channels);

/* Frees a model; NULL is allowed. */
FNN_API void fnn_model_free(fnn_model *model);

/* A second model like this one, in use or still being built: layers, loss, normalisation, weights,
 * running statistics, names, notes, seed, what the optimiser remembers and how far training has
 * come. They share nothing but what the caller gave, as the `user` of a loss function. On one
 * instruction set both predict the same bits, and the same fit makes the same of both; only a batch
 * on its way (fnn_forward to fnn_step) is not copied. config as in fnn_sequential_with, NULL:
 * the model's own. Returns NULL and fills *error (NULL allowed): with the error of a broken model,
 * with what fnn_context_create says of config, FNN_ERROR_MEMORY. */
FNN_API fnn_model *fnn_copy(const fnn_model *model, const fnn_context_config *config,
                            fnn_error *error);

/* What went wrong: the builder that failed first, else the last call on the model; code FNN_OK when
 * nothing did. Never NULL. */
FNN_API const fnn_error *fnn_model_error(const fnn_model *model);

/* How a window meets the borders. As Keras: valid stays inside the image; same pads it so that
 * the output has ceil(input / stride) rows and columns, the odd row of padding below, the odd
 * column to the right. As PyTorch: explicit puts pad_height rows above and as many below, pad_width
 * columns on either side, each from 0 to kernel - 1; the output has
 *     floor((input + 2 pad - kernel) / stride) + 1
 * rows and columns. Where the strides do not end in the padding's last row, less than pad of it is
 * seen below, and where they end in the image its last rows are seen by no window. On 28 rows, a
 * kernel of 3 and stride 2, explicit with pads of 1 begins at row -1 and ends at row 27, same
 * begins at row 0 and ends at row 28. */
#define FNN_PADDING_LIST(X) X(FNN_VALID, valid) X(FNN_SAME, same) X(FNN_EXPLICIT, explicit)
typedef enum fnn_padding { FNN_PADDING_LIST(FNNI_ENUM) FNN_PADDING_COUNT } fnn_padding;

typedef struct fnn_conv2d_config {
    int filters;                     /* channels of the output */
    int kernel_height, kernel_width; /* 3 */
    int stride_height, stride_width; /* 1 */
    fnn_padding padding;             /* FNN_SAME */
    fnn_activation activation;       /* FNN_LINEAR, with its usual parameter */
    int pad_height, pad_width;       /* 0; more with FNN_EXPLICIT alone */
    int no_bias;                     /* 0; 1: y = f(x * W) */
} fnn_conv2d_config;

typedef struct fnn_dense_config {
    int units;
    fnn_activation activation; /* FNN_LINEAR, with its usual parameter */
    int no_bias;               /* 0; 1: y = f(x W) */
} fnn_dense_config;

typedef struct fnn_pool2d_config {
    int average; /* 0: the maximum, in windows of at most 256 positions; 1: the mean */
    int height, width;
    int stride_height, stride_width;
    fnn_padding padding;
    int pad_height, pad_width; /* 0; more with FNN_EXPLICIT alone */
} fnn_pool2d_config;

typedef struct fnn_batch_norm_config {
    fnn_real momentum; /* share of the running statistics that stays each step */
    fnn_real epsilon;  /* added to the variance */
    int unbiased;      /* 1: the running variance is that of a sample, divided by count - 1 */
} fnn_batch_norm_config;

/* A convolution of 3 x 3, stride 1, same padding, linear; filters are 0 and must be set. */
FNN_API fnn_conv2d_config fnn_conv2d_config_init(void);

/* A linear layer with a bias; units are 0 and must be set. */
FNN_API fnn_dense_config fnn_dense_config_init(void);

/* A max-pool of 2 x 2, stride 2, valid. */
FNN_API fnn_pool2d_config fnn_pool2d_config_init(void);

/* Keras' batch norm, which fnn_batch_norm takes: momentum .99, epsilon 1e-3. */
FNN_API fnn_batch_norm_config fnn_batch_norm_config_init(void);

/* PyTorch's batch norm: momentum .9 (which it calls .1), epsilon 1e-5, unbiased. */
FNN_API fnn_batch_norm_config fnn_batch_norm_config_pytorch(void);

/* Layers. Each call adds one behind the others and returns its index, or -1 after an error, whose
 * message fnn_model_error has. FNN_GELU and FNN_SOFTMAX become a layer of their own behind a dense
 * layer or convolution, whose index is returned: it means both where a layer's output is wanted,
 * where it is trained (fnn_set_trainable, fnn_set_rate_factor) and where a tensor has a name. */

/* y = f(x W + b), W (inputs, units), b (units); an input of more than one dimension counts as flat.
 * Leaky ReLU and ELU have Keras' parameter here, slope .3 and scale 1; see fnn_activate. */
FNN_API int fnn_dense(fnn_model *model, int units, fnn_activation activation);

/* The same, without a bias if wanted: a batch norm behind it takes every bias away again and has
 * one of its own, beta. A layer without has no such tensor, gradient or parameters, here, in files
 * and in the sums of fnn_summary. */
FNN_API int fnn_dense_with(fnn_model *model, const fnn_dense_config *config);

/* y = f(x * W + b), stride 1, W (kernel, kernel, channels, filters), b (filters); a
 * cross-correlation, as everywhere in the field. FNN_SOFTMAX as f is taken over all of a sample's
 * outputs, here too. padding: FNN_VALID or FNN_SAME. */
FNN_API int fnn_conv2d(fnn_model *model, int filters, int kernel, fnn_padding padding,
                       fnn_activation activation);

/* A convolution with a kernel and strides of any shape, any padding, with or without a bias (see
 * fnn_dense_with). */
FNN_API int fnn_conv2d_with(fnn_model *model, const fnn_conv2d_config *config);

/* The largest number of each window of size x size, which lie beside each other; rows and columns
 * that do not fill one are left out. Channel by channel. */
FNN_API int fnn_max_pool2d(fnn_model *model, int size);

/* The mean of each such window. */
FNN_API int fnn_average_pool2d(fnn_model *model, int size);

/* A pool with windows and strides of any shape, and any padding, which is neither compared nor
 * counted: a maximum is that of the window's part inside the image, as if minus infinity lay
 * round it, and a mean is divided by the size of that part (PyTorch's count_include_pad=False,
 * where its default is True). */
FNN_API int fnn_pool2d_with(fnn_model *model, const fnn_pool2d_config *config);

/* The mean of each channel: (H, W, C) becomes (1, 1, C). */
FNN_API int fnn_global_average_pool2d(fnn_model *model);

/* Batch normalisation per channel (of a table, or behind fnn_flatten: per column, PyTorch's
 * BatchNorm1d), gamma and beta learned (Ioffe and Szegedy 2015). Training normalises with the
 * batch's statistics and moves the running ones once a step, evaluation and prediction use the
 * running ones. As the first layer it normalises the input. */
FNN_API int fnn_batch_norm(fnn_model *model);

/* Batch normalisation with a momentum and an epsilon of your choice. */
FNN_API int fnn_batch_norm_with(fnn_model *model, const fnn_batch_norm_config *config);

/* Dropout of whole channels of a sample (Tompson et al. 2015), rate in [0, 1). */
FNN_API int fnn_spatial_dropout(fnn_model *model, fnn_real rate);

/* y = x + the output of layer `from` (-1: the input), of the same shape (He et al. 2016). */
FNN_API int fnn_add(fnn_model *model, int from);

/* y = f(x). parameter is the slope of FNN_LEAKY_RELU or the scale of FNN_ELU, at least 0; other
 * activations do not read it. */
FNN_API int fnn_activate(fnn_model *model, fnn_activation activation, fnn_real parameter);

/* In training y = x / (1 - rate) with probability 1 - rate, else 0 (Srivastava et al. 2014,
 * inverted); rate in [0, 1). */
FNN_API int fnn_dropout(fnn_model *model, fnn_real rate);

/* (H, W, C) as (1, 1, H * W * C), free of cost. */
FNN_API int fnn_flatten(fnn_model *model);

/* How layers added from now on start: by default weights Glorot uniform and biases zero.
 * FNN_ERROR_ARGUMENT for an unknown kind or a scale that is not finite. */
FNN_API fnn_result fnn_set_initializer(fnn_model *model, fnn_initializer weights,
                                       fnn_initializer biases);

/* The seed of weights and dropout, 0 by default. On a model in use: draws all weights anew and
 * forgets the optimiser's state and how far training had come. */
FNN_API fnn_result fnn_set_seed(fnn_model *model, uint64_t seed);

/* Whether training changes a layer's parameters: 1, as for every layer at first, or 0, frozen: fit
 * and fnn_step leave them as they are to the bit, penalty, decay, momentum and averages included;
 * their gradients are zero and no part of clip_norm. A frozen batch norm normalises with its
 * running statistics, in training too, and leaves those as they are (as Keras). layer: an index as
 * builders return it; layers without parameters are accepted. May be called at any time, also in a
 * fit's callback; ends the batch of a loop of one's own, as fnn_step does. Files do not hold it.
 * FNN_ERROR_ARGUMENT for no such layer. */
FNN_API fnn_result fnn_set_trainable(fnn_model *model, int layer, int trainable);

/* Makes a layer's learning rate `factor` times that of the optimiser, 1 at first, by which AdamW's
 * decay goes as well; 0 stops it, but leaves momentum and statistics moving (fnn_set_trainable).
 * Otherwise as there. FNN_ERROR_ARGUMENT for no such layer, a negative factor or one that is not
 * finite. */
FNN_API fnn_result fnn_set_rate_factor(fnn_model *model, int layer, double factor);

/* Makes the model normalise its inputs with statistics of data; see fnn_normalization. Inputs
 * are taken as they are by default. FNN_ERROR_ARGUMENT for an unknown kind and for data of another
 * shape or that fnn_dataset_check refuses, FNN_ERROR_NUMERIC for statistics that are not finite,
 * FNN_ERROR_MEMORY. */
FNN_API fnn_result fnn_normalize(fnn_model *model, fnn_normalization kind, const fnn_dataset *data);

/* The same with numbers of your own, such as those that weights from elsewhere were trained with:
 * x' = (x - shift[j]) * scale[j]; where there is a deviation, the scale is 1 / deviation. Bytes are
 * 0 to 255 here: PyTorch's ToTensor, then Normalize(mean, deviation), is shift 255 mean and scale
 * 1 / (255 deviation). shift and scale (count) are copied. count is 1 for all features together, or
 * the number of channels (three of a colour image, the columns of a table), or that of features
 * (height, width, channels). NULL: shifts of 0, scales of 1. FNN_ERROR_ARGUMENT for another count
 * or a number that is not finite, FNN_ERROR_MEMORY. */
FNN_API fnn_result fnn_normalize_with(fnn_model *model, const fnn_real *shift,
                                      const fnn_real *scale, int count);

/* Makes the model learn targets that are normalised with statistics of data's (see
 * fnn_normalization), and give outputs in the targets' own unit: a layer "rescale" is added at the
 * end when the model comes into use. The loss is that of normalised targets and of what goes into
 * the layer; outputs, predictions and R2 are behind it. Files keep it. It goes with losses of
 * numbers (squared, absolute, epsilon-insensitive), not a function of yours, and targets without
 * classes. On a model that has it the statistics are replaced. FNN_ERROR_ARGUMENT for an unknown
 * kind and data without such targets, FNN_ERROR_STATE for a model in use without it or with another
 * number of targets, FNN_ERROR_NUMERIC for statistics that are not finite, FNN_ERROR_MEMORY; where
 * the model has not as many outputs, FNN_ERROR_STATE when it comes into use. */
FNN_API fnn_result fnn_normalize_targets(fnn_model *model, fnn_normalization kind,
                                         const fnn_dataset *data);

/* What training minimises: the mean over samples of
 *     softmax cross-entropy         -sum t log softmax(y); a softmax at the end (flatten may
 *                                   follow, dropout may not) is not applied twice, any other
 *                                   output is taken as logits
 *     categorical cross-entropy     on any outputs, as Keras: q = y / sum y, clipped to
 *                                   [1e-7, 1 - 1e-7], then -sum t log q
 *     sparse categorical            on any outputs, as Keras: q = y clipped to [1e-7, 1 - 1e-7],
 *                                   then softmax cross-entropy of log q
 *     binary cross-entropy          mean over outputs of -t log p - (1 - t) log (1 - p), p =
 *                                   sigmoid(y), each output a question of its own; a sigmoid at the
 *                                   end is not applied twice, as the softmax above
 *     mean squared error            mean over outputs of (y - t)^2
 *     mean absolute error           mean over outputs of |y - t|
 *     epsilon-insensitive           mean over outputs of max(0, |y - t| - epsilon)
 * where t is the one-hot label or the given targets; for binary cross-entropy of one output a label
 * 0 or 1 is t itself. What could never learn is refused where a loss meets data, in fit, fnn_loss
 * and evaluate: the first three losses of a single output, or of targets without classes that are
 * no distributions; binary cross-entropy of targets outside of 0 to 1. In the list: the activation
 * at the model's end whose input the loss takes (FNN_LINEAR: of none); private: what its targets
 * are. */
/* clang-format off */
#define FNN_LOSS_LIST(X) \
    /* X(kind, name in files, absorbed activation, targets); the first one is the default */ \
    X(FNN_LOSS_SOFTMAX_CROSS_ENTROPY, softmax_cross_entropy, FNN_SOFTMAX, FNNI_TARGET_SHARES) \
    X(FNN_LOSS_CATEGORICAL_CROSS_ENTROPY, categorical_cross_entropy, FNN_LINEAR, \
      FNNI_TARGET_SHARES) \
    X(FNN_LOSS_SPARSE_CATEGORICAL_CROSS_ENTROPY, sparse_categorical_cross_entropy, FNN_LINEAR, \
      FNNI_TARGET_SHARES) \
    X(FNN_LOSS_MEAN_SQUARED_ERROR, mean_squared_error, FNN_LINEAR, FNNI_TARGET_NUMBERS) \
    X(FNN_LOSS_MEAN_ABSOLUTE_ERROR, mean_absolute_error, FNN_LINEAR, FNNI_TARGET_NUMBERS) \
    X(FNN_LOSS_EPSILON_INSENSITIVE, epsilon_insensitive, FNN_LINEAR, FNNI_TARGET_NUMBERS) \
    X(FNN_LOSS_BINARY_CROSS_ENTROPY, binary_cross_entropy, FNN_SIGMOID, FNNI_TARGET_ANSWERS)
/* clang-format on */
typedef enum fnn_loss_kind { FNN_LOSS_LIST(FNNI_ENUM) FNN_LOSS_COUNT } fnn_loss_kind;

/* label_smoothing s in [0, 1): t becomes (1 - s) t + s / classes, under binary cross-entropy
 * (1 - s) t + s / 2 (cross-entropies only). epsilon is that of the epsilon-insensitive loss.
 * FNN_ERROR_ARGUMENT for numbers out of range, FNN_ERROR_STATE for a loss that takes the input of
 * the softmax or sigmoid at the end where a dropout stands behind that. */
FNN_API fnn_result fnn_set_loss(fnn_model *model, fnn_loss_kind kind, fnn_real label_smoothing,
                                fnn_real epsilon);

/* A batch as a loss function of your own sees it. */
typedef struct fnn_loss_batch {
    int count, outputs;      /* samples; numbers that the model gives for each */
    const fnn_real *y;       /* (count, outputs) these, as fnn_outputs shows them */
    const int32_t *labels;   /* (count), or NULL */
    const fnn_real *targets; /* (count, outputs), or NULL */
    const fnn_real *weights; /* (count), or NULL: each counts 1. The library applies none here */
    const int64_t *rows;     /* (count) of the data set's arrays, to look up what else is known */
} fnn_loss_batch;

/* Returns the mean loss of a batch. gradient (count, outputs), where it is not NULL, is overwritten
 * with the derivative of this mean by y. */
typedef double (*fnn_loss_function)(void *user, const fnn_loss_batch *batch, fnn_real *gradient);

/* Makes the model minimise a function of yours, which gets `user`; NULL: fnn_set_loss's loss again.
 * It sees a whole batch at once and is called by one thread, one batch after the other, however
 * many the model has: by fnn_fit for each step, by fnn_loss, by fnn_check_gradients, and by
 * evaluation and validation for batches of 112 samples in order. (In a grid search models train
 * side by side, and each calls its own.) y and gradient are those behind all layers: a softmax at
 * the end is applied, and differentiated by the library. Data need neither labels nor targets then,
 * nor the model an output for each class; where outputs cannot be compared with labels the score is
 * NaN, and early stopping and searches refuse to go by it. A loss that is not finite ends a fit.
 * With a model from a file a call that needs the loss returns FNN_ERROR_STATE until it is set
 * again, here or by fnn_set_loss. */
FNN_API fnn_result fnn_set_loss_function(fnn_model *model, fnn_loss_function function, void *user);

/* Fixes the layers and draws the weights, if that has not happened yet. Returns the error of a
 * broken model, FNN_ERROR_STATE for one without layers, FNN_ERROR_MEMORY. */
FNN_API fnn_result fnn_seal(fnn_model *model);

/* Layers, shapes and parameter counts, what is frozen and rate factors as text, at most size bytes
 * with the final 0; of a model that is NULL or broken the error's text. Returns the length of the
 * whole text, as snprintf. */
FNN_API size_t fnn_summary(const fnn_model *model, char *text, size_t size);

/* The shapes (height, width, channels) of a sample and of the model's outputs for it; either may be
 * NULL. What a loaded model takes and gives. Zeroed, and the model's error, when it is broken. */
FNN_API fnn_result fnn_shapes(const fnn_model *model, int input[3], int output[3]);

/* How many layers a model has: 0 .. count - 1 are their numbers in fnn_summary and files, and those
 * that builders returned. The first use may add layers behind all others, whose numbers stay: the
 * sigmoid of the last one (chapter MODEL) and "rescale" (fnn_normalize_targets). 0 of NULL. */
FNN_API int fnn_layer_count(const fnn_model *model);

/* The name of a layer, as in summary and files: "dense", "conv2d"; "input" of -1, "unknown" of
 * another number. */
FNN_API const char *fnn_layer_name(const fnn_model *model, int layer);

/* The shape (height, width, channels) of a layer's output for a sample; -1 is the input. Zeroed
 * where it returns FNN_ERROR_ARGUMENT, for another number or NULL, or the model's error. */
FNN_API fnn_result fnn_layer_shape(const fnn_model *model, int layer, int shape[3]);

/* All parameters that gradients train, contiguous: layer after layer, weights then biases. They
 * stay where they are for the model's life; count may be NULL. NULL after an error, and with *count
 * 0 for a model that has none (fnn_model_error tells which). What is written to them holds from the
 * next fnn_forward, fit or prediction on.
 * They are not all of a network: the running statistics of batch norms, which predictions use, are
 * not among them. fnn_tensor_values has those too; fnn_copy and fnn_save take everything. */
FNN_API fnn_real *fnn_parameters(fnn_model *model, size_t *count);

/* Their gradients, in the same order and on the same terms: those of the last fnn_backward.
 * fnn_fit does not keep gradients: after a fit this array does not hold them. */
FNN_API fnn_real *fnn_gradients(fnn_model *model, size_t *count);

/* One tensor of a layer. Its name is that in files: "weight" and "bias" of a dense layer and of a
 * convolution, "gamma", "beta", "mean" and "variance" of a batch norm, "shift" and "scale" of the
 * input where the model normalises it and of "rescale" (outputs). Shapes as in chapter SHAPES. */
typedef struct fnn_tensor {
    const char *name;
    const fnn_real *values;   /* (count) row-major; shift and scale stay until they are set anew,
                                 others for the model's life */
    const fnn_real *gradient; /* (count) on fnn_gradients' terms. NULL: a statistic has none, and a
                                 model none before its first fnn_gradients or fnn_forward */
    int dimensions;           /* numbers in use of shape */
    int shape[4];
    size_t count;
    int is_statistic; /* 0: a parameter, trained by its gradient; 1: measured on data */
} fnn_tensor;

/* Looks at tensor `number`, from 0, of a layer (-1: the input), as fnn_summary numbers them:
 *     for (i = 0; !fnn_tensor_at(model, layer, i, &t); i++)
 * goes through all of them. Like inference it leaves no message in the model. FNN_ERROR_ARGUMENT
 * behind the last, for a number that is no layer's and for NULL; FNN_ERROR_STATE for a model that
 * is not sealed (fnn_seal), the code of a broken one, FNN_ERROR_MEMORY for NULL as the model;
 * *tensor is zeroed then. */
FNN_API fnn_result fnn_tensor_at(const fnn_model *model, int layer, int number, fnn_tensor *tensor);

/* Looks at the tensor of that name, on the same terms; layer: as builders return it, also where the
 * activation behind it is a layer of its own. */
FNN_API fnn_result fnn_tensor_get(const fnn_model *model, int layer, const char *name,
                                  fnn_tensor *tensor);

/* The values of the tensor of that name, to be written: weights from elsewhere, statistics, tied
 * weights. On fnn_parameters' terms: it seals the model, and *count (may be NULL) is how many they
 * are. NULL, *count 0 and a message in the model where the layer has no tensor of that name. */
FNN_API fnn_real *fnn_tensor_values(fnn_model *model, int layer, const char *name, size_t *count);

/* Its gradient, likewise: to be added to, scaled or cleared between fnn_backward and fnn_step. NULL
 * and a message for a statistic, which has none. */
FNN_API fnn_real *fnn_tensor_gradient(fnn_model *model, int layer, const char *name, size_t *count);

/* ---- training ---- */

/* Optimisers, formulas at >>kernels; X(name, word, states, traits, epsilon, rho). Private: states =
 * reals of state a parameter; its traits, FNNI_START; the epsilon and rho (0: not used)
 * that PyTorch has. */
/* clang-format off */
#define FNN_OPTIMIZER_LIST(X) \
    X(FNN_SGD,      sgd,      0, 0,          1e-8,  0) \
    X(FNN_MOMENTUM, momentum, 1, 0,          1e-8,  0) \
    X(FNN_ADAGRAD,  adagrad,  1, FNNI_START, 1e-10, 0) \
    X(FNN_ADADELTA, adadelta, 2, 0,          1e-6,  .9) \
    X(FNN_RMSPROP,  rmsprop,  2, 0,          1e-8,  .99) \
    X(FNN_ADAM,     adam,     2, 0,          1e-8,  0)
/* clang-format on */
typedef enum fnn_optimizer_kind {
    FNN_OPTIMIZER_LIST(FNNI_ENUM) FNN_OPTIMIZER_COUNT
} fnn_optimizer_kind;

/* One update of all parameters by the gradient g. */
typedef struct fnn_optimizer {
    fnn_optimizer_kind kind;
    fnn_real learning_rate;
    fnn_real momentum;     /* momentum, Nesterov; RMSProp's own momentum, 0 for none */
    fnn_real rho;          /* Adadelta, RMSProp: how much of the mean square stays */
    fnn_real beta1, beta2; /* Adam */
    fnn_real epsilon;
    fnn_real weight_decay; /* AdamW: w -= learning_rate * weight_decay * w, biases left out unless
                              the fit penalizes them */
    fnn_real start;        /* Adagrad: where the sum of squares starts */
    int nesterov;
    int pytorch; /* PyTorch's conventions instead of Keras' */
} fnn_optimizer;

/* Optimisers with Keras' defaults and conventions; epsilon is 1e-7 in all of them. */

/* w -= rate g */
FNN_API fnn_optimizer fnn_sgd(double learning_rate);

/* Polyak 1964: a velocity that keeps `momentum` of itself each step. */
FNN_API fnn_optimizer fnn_momentum(double learning_rate, double momentum);

/* Momentum in Nesterov's form, as Sutskever et al. 2013. */
FNN_API fnn_optimizer fnn_nesterov(double learning_rate, double momentum);

/* Duchi, Hazan and Singer 2011; the sum of squares starts at .1. */
FNN_API fnn_optimizer fnn_adagrad(double learning_rate);

/* Zeiler 2012; rho .95. */
FNN_API fnn_optimizer fnn_adadelta(double learning_rate);

/* Tieleman and Hinton 2012; rho .9, no momentum. */
FNN_API fnn_optimizer fnn_rmsprop(double learning_rate);

/* Kingma and Ba 2015; betas .9 and .999, epsilon added to the uncorrected root. */
FNN_API fnn_optimizer fnn_adam(double learning_rate);

/* Adam with decoupled weight decay, Loshchilov and Hutter 2017. */
FNN_API fnn_optimizer fnn_adamw(double learning_rate, double weight_decay);

/* The same optimiser with PyTorch's defaults and conventions: momentum without the rate folded
 * in, Adagrad starting at 0 with epsilon 1e-10, Adadelta's rho .9 and epsilon 1e-6, RMSProp's
 * rho .99, Adam's epsilon 1e-8 added to the corrected root. */
FNN_API fnn_optimizer fnn_pytorch(fnn_optimizer optimizer);

/* clang-format off */
#define FNN_SCHEDULE_LIST(X) \
    /* X(kind, name, 1: counts epochs) */ \
    X(FNN_SCHEDULE_CONSTANT, constant, 0) \
    X(FNN_SCHEDULE_STEP_DECAY, step_decay, 1) \
    X(FNN_SCHEDULE_EXPONENTIAL, exponential, 1) \
    X(FNN_SCHEDULE_COSINE, cosine, 0) \
    X(FNN_SCHEDULE_ONE_CYCLE, one_cycle, 0) \
    X(FNN_SCHEDULE_LINEAR, linear, 0)
/* clang-format on */
typedef enum fnn_schedule_kind {
    FNN_SCHEDULE_LIST(FNNI_ENUM) FNN_SCHEDULE_COUNT
} fnn_schedule_kind;

/* The learning rate as a function of the step: a factor of the base rate, which is the
 * optimiser's learning_rate. The formulas and their sources stand at >>schedules. A zeroed schedule
 * is constant. rise is a share of the steps; gamma, lowest, start and end multiply the base
 * rate. */
typedef struct fnn_schedule {
    fnn_schedule_kind kind;
    int64_t warmup_steps; /* any kind: the first steps' rate rises in a line; 0: none */
    int every;            /* step decay: epochs between two drops, at least 1 */
    double gamma;         /* step decay: factor of a drop; exponential: factor of an epoch */
    double lowest;        /* cosine: factor that it ends at, 0 to 1 */
    double rise;          /* one-cycle: share of the steps up to the peak, 0 to 1 */
    double start, end;    /* one-cycle: factors of the first and the last step */
} fnn_schedule;

/* Schedules, whose fields may be changed; warmup_steps is 0 in all of them. */

/* The base rate, always. */
FNN_API fnn_schedule fnn_schedule_constant(void);

/* Step decay: the rate times gamma after every so many epochs. */
FNN_API fnn_schedule fnn_schedule_step_decay(int every, double gamma);

/* The rate times gamma an epoch, smoothly. */
FNN_API fnn_schedule fnn_schedule_exponential(double gamma);

/* Half a cosine from the base rate to lowest times it. */
FNN_API fnn_schedule fnn_schedule_cosine(double lowest);

/* From start up to the base rate and down to end, in half cosines, with PyTorch's defaults: rise
 * .3, start 1/25, end 1/25e4. */
FNN_API fnn_schedule fnn_schedule_one_cycle(void);

/* In a line to zero. */
FNN_API fnn_schedule fnn_schedule_linear(void);

/* The rate of a step: step counts from 0 to total_steps - 1, beyond that the last value holds.
 * For loops of your own (fnn_step takes config->optimizer.learning_rate as it stands) and for
 * plots. schedule NULL: base_rate. NaN where a field is out of its range, or steps_per_epoch is
 * below 1 for the kinds that count epochs. */
FNN_API double fnn_schedule_rate(const fnn_schedule *schedule, double base_rate, int64_t step,
                                 int64_t total_steps, int steps_per_epoch);

typedef enum fnn_flip {
    FNN_FLIP_NONE,
    FNN_FLIP_RANDOM,      /* left and right change places with probability 1/2 */
    FNN_FLIP_ALTERNATING, /* so in the first pass, then each image in every other pass (Jordan 2024,
                            "94% on CIFAR-10 in 3.29 seconds on a single GPU") */
    FNN_FLIP_COUNT
} fnn_flip;

/* What is done to an image of the training set, anew in each pass over it, in this order. All is a
 * function of the fit's seed, the pass and the row that holds the image. Images have any number of
 * channels. It works on the raw numbers, before normalisation: a pixel that comes in is black (0)
 * before it is normalised. Zeroed: nothing is done, at no cost. */
typedef struct fnn_augmentation {
    fnn_flip flip;
    int shift;                 /* most pixels that an image moves along each axis, -shift to shift
                                  with equal probability; zeros come in. As a random crop of the
                                  image with so many pixels of padding. Below height and width */
    int cutout_size;           /* side of a square round a random pixel, cut where it leaves the
                                  image (DeVries and Taylor 2017) ... */
    double cutout_probability; /* ... which is overwritten with this probability (Zhong et al.
                                  2017, "Random erasing"), in all channels ... */
    fnn_real cutout_fill;      /* ... by this number, in units of the data: 0 for black */
} fnn_augmentation;

/* One epoch's figures. A score, here and everywhere, is the accuracy where samples have classes or
 * the loss is binary cross-entropy, else R2 (fnn_metrics has all three). */
typedef struct fnn_epoch {
    int epoch;    /* 1, 2, ... */
    int64_t step; /* updates so far */
    double loss, score;
    double validation_loss, validation_score; /* NaN without validation data */
    double seconds;                           /* this epoch, validation included */
    double learning_rate;                     /* of its last step */
} fnn_epoch;

/* All epochs of a fit. Start with {0}; fits append. */
typedef struct fnn_history {
    fnn_epoch *epochs;
    int count, capacity;
    fnn_allocator allocator;
} fnn_history;

/* Appends a copy of *epoch (which may lie in the history), for loops of one's own. Leaves the
 * history as it was where it returns FNN_ERROR_ARGUMENT (a NULL) or FNN_ERROR_MEMORY. */
FNN_API fnn_result fnn_history_append(fnn_history *history, const fnn_epoch *epoch);

/* Frees the epochs and empties the history; NULL and twice are allowed. */
FNN_API void fnn_history_free(fnn_history *history);

/* clang-format off */
#define FNN_MONITOR_LIST(X) \
    /* X(kind, figure of an epoch, 1: greater is better or -1: smaller, 1: of validation data) */ \
    X(FNN_MONITOR_VALIDATION_LOSS, validation_loss, -1, 1) \
    X(FNN_MONITOR_VALIDATION_SCORE, validation_score, 1, 1) \
    X(FNN_MONITOR_LOSS, loss, -1, 0) \
    X(FNN_MONITOR_SCORE, score, 1, 0)
/* clang-format on */
typedef enum fnn_monitor { FNN_MONITOR_LIST(FNNI_ENUM) FNN_MONITOR_COUNT } fnn_monitor;

typedef struct fnn_fit_config {
    fnn_optimizer optimizer;       /* fnn_rmsprop(1e-3), as Keras' compile() */
    fnn_schedule schedule;         /* constant; of the rate over all steps of this fit */
    int epochs;                    /* 1 */
    int batch_size;                /* 32 */
    int steps_per_epoch;           /* 0: an epoch is a pass over the data; else so many batches */
    int shuffle;                   /* 1: a new order for each pass */
    uint64_t seed;                 /* 0; of order and augmentation; fnn_set_seed has that of the
                                      weights and of dropout */
    fnn_augmentation augmentation; /* none; of the training images */
    const fnn_dataset *validation; /* NULL */
    fnn_real l2, l1;               /* 0: the loss gets l2/2 |W|^2 + l1 |W|_1, so the gradient gets
                                      l2 W + l1 sign W; biases are left out. (Keras' l2(x) is our
                                      l2 = 2 x.) The reported loss is without this penalty. */
    int penalize_biases;           /* 0; 1: l2, l1 and weight_decay act on biases and on batch
                                      norms' gamma and beta too, as PyTorch's weight_decay= does */
    fnn_real clip_norm;            /* 0: none; else the loss's whole gradient is scaled to at
                                      most this, before the penalty's is added (as PyTorch) */
    fnn_real clip_value;           /* 0: none; else each element is cut to +- this */
    double ema_decay;              /* 0: none; else d < 1, such as .999: after step t of the fit
                                      average = d' average + (1 - d') weights with d' =
                                      min(d, (1 + t) / (10 + t)), so that the start is soon
                                      forgotten; batch norms' running statistics likewise.
                                      Validation, callback and best weights get the averages, and
                                      the model keeps them after the fit. */
    int patience;                  /* 0: none; else stop after so many epochs without a better */
    fnn_monitor monitor;           /* FNN_MONITOR_VALIDATION_LOSS: what must improve */
    double min_delta;              /* 0: by how much */
    int restore_best;              /* 0; else the best epoch's weights are put back at the end,
                                      also when a loss that is not finite ends the fit */
    int ignore_nan;                /* 0: a loss that is not finite ends the fit with an error */
    const char *checkpoint;        /* NULL; else a file that the fit writes, in place of an older
                                      one: the model and all that fnn_resume needs to go on. A path
                                      that cannot be written is refused before the first step. Where
                                      it fails later, the fit goes on and tries again next time; if
                                      the last one failed it returns FNN_ERROR_FILE at its end */
    int checkpoint_epochs;     /* 1: after so many epochs, 0: not by epochs; always at the end */
    double checkpoint_minutes; /* 0: not by time; else also when so many have passed since the
                                      last one, within an epoch too: there the file's weights are
                                      those in training, not yet their averages */
    const volatile int *stop;  /* NULL; else a number that is looked at after each step, which a
                                      signal's handler or another thread may set: not 0 ends the
                                      fit there, its checkpoint written, as a callback would */
    int verbose;               /* 0; 1: progress on stderr, a bar on a terminal, else lines */
    int (*callback)(void *user, const fnn_epoch *epoch); /* NULL; nonzero stops the fit. May look at
                                      the model, also by fnn_forward to fnn_backward, and change
                                      its loss, what is trained, the learning_rate here and what
                                      data's arrays hold, which are checked again; not how many
                                      samples there are, nor another field of the optimiser.
                                      fnn_fit, fnn_resume, fnn_step, fnn_set_seed and
                                      fnn_load_weights of the model return FNN_ERROR_STATE there; a
                                      copy of it may be trained. It must return: no longjmp */
    void *user;
} fnn_fit_config;

/* The defaults named beside the fields above. */
FNN_API fnn_fit_config fnn_fit_config_init(void);

/* Trains the model on data. All memory is taken before the first step. A second fit continues the
 * optimiser's state (unless the kind changes) and the count of passes, of which the order of the
 * samples and the augmentation are functions: two fits of two epochs are one of four. After a fit
 * with ema_decay it goes on from the averaged weights. config NULL: the defaults; history may be
 * NULL.
 * The same build, instruction set and seeds give the same weights for any number of threads.
 * Returns FNN_ERROR_ARGUMENT for data or a configuration that do not fit, or that the loss cannot
 * learn from, FNN_ERROR_NUMERIC (the message names layer and epoch) when the loss is not finite,
 * FNN_ERROR_FILE for a checkpoint that cannot be written, FNN_ERROR_MEMORY; FNN_OK after early
 * stopping, too, a callback's stop or config's. */
FNN_API fnn_result fnn_fit(fnn_model *model, const fnn_dataset *data, const fnn_fit_config *config,
                           fnn_history *history);

/* Goes on with the model's last fit where that stood still: after fnn_load of a checkpoint, or when
 * a callback, config->stop, patience or the number of epochs ended it. The end is the same to the
 * last bit as if it had not been interrupted, on the same build and instruction set, with the same
 * data and configuration. config may ask for more epochs than before, and a schedule that looks at
 * the whole, as cosine, goes by those asked for now: epochs before keep the rates that they had,
 * and the next one's may be higher than the last one's. Where no more epochs are asked for than
 * there were, such as 0, it trains none: history tells how many there were, and the model has what
 * the fit would have left at its end, averages or the best weights.
 * config must have the same batch_size, steps_per_epoch, shuffle, seed, kind of optimiser,
 * restore_best and monitor, and average or not, as before, and data as many samples: else
 * FNN_ERROR_ARGUMENT. All else is as config says now; what a callback changed in it is for the
 * caller to restore, as is a loss function of yours (fnn_set_loss_function) behind fnn_load.
 * history gets the epochs of the fit that it lacks. Errors otherwise as fnn_fit; FNN_ERROR_STATE
 * for a model without such a fit: there was none, it failed, or the weights have been trained or
 * drawn anew since. */
FNN_API fnn_result fnn_resume(fnn_model *model, const fnn_dataset *data,
                              const fnn_fit_config *config, fnn_history *history);

/* The step, opened, for a training loop of your own: fnn_forward, fnn_loss, fnn_backward, fnn_step
 * on one batch. They return FNN_ERROR_STATE for a call out of this order, with a message in the
 * model. */

/* Gathers and normalises samples (count sample numbers of data, NULL: the first count) and carries
 * them through the layers; training switches dropout on. What labels, targets or weights say is
 * fnn_loss' business, and nobody's without it: the data set's arrays of them must stay until then.
 * FNN_ERROR_ARGUMENT for data or samples that do not fit, FNN_ERROR_MEMORY. */
FNN_API fnn_result fnn_forward(fnn_model *model, const fnn_dataset *data, const int64_t *samples,
                               int count, int training);

/* (count, outputs) of the last forward, a softmax at the end applied; NULL before the first and
 * after what ends it: a failed forward, fnn_step, fnn_fit, fnn_check_gradients, fnn_set_seed,
 * fnn_set_trainable, fnn_set_rate_factor and all that normalises. */
FNN_API const fnn_real *fnn_outputs(const fnn_model *model);

/* *loss (may be NULL) = the mean loss over the batch, each sample's times its weight, by the
 * labels, targets and weights that stand in the data set's arrays now, so that they may be made
 * from fnn_outputs. FNN_ERROR_STATE before fnn_forward, and for data that have neither or do not
 * fit; FNN_ERROR_ARGUMENT for a label or a weight that is out of range, and for a loss that
 * cannot learn from these (fnn_loss_kind). */
FNN_API fnn_result fnn_loss(fnn_model *model, double *loss);

/* Fills fnn_gradients; expects fnn_loss first, and anew after fnn_set_loss. */
FNN_API fnn_result fnn_backward(fnn_model *model);

/* Fills fnn_gradients from a gradient of your own in place of the loss's: gradient (count, outputs)
 * is the derivative of what you minimise by fnn_outputs, so a softmax or another activation at the
 * end is differentiated here, and a mean's 1 / count belongs into it. Expects fnn_forward; fnn_loss
 * is not needed. Several calls may follow one fnn_forward; each fills fnn_gradients anew.
 * FNN_ERROR_ARGUMENT for NULL. */
FNN_API fnn_result fnn_backward_from(fnn_model *model, const fnn_real *gradient);

/* As fnn_backward_from, with gradient NULL as fnn_backward, and goes on to the inputs:
 * input_gradient (count, height, width, channels), overwritten, is the derivative by the samples'
 * numbers as they stand in the data set, before they are normalised. It must not overlap gradient.
 * The first call for a batch size takes memory, of which fnn_memory_size does not know.
 * FNN_ERROR_ARGUMENT for NULL as input_gradient, FNN_ERROR_MEMORY. */
FNN_API fnn_result fnn_backward_to_input(fnn_model *model, const fnn_real *gradient,
                                         fnn_real *input_gradient);

/* Applies optimiser, penalty and clipping of config to the gradients; expects fnn_backward, or one
 * of the two behind it, first.
 * FNN_ERROR_ARGUMENT for NULL or a configuration out of range, FNN_ERROR_MEMORY. */
FNN_API fnn_result fnn_step(fnn_model *model, const fnn_fit_config *config);

/* ---- inference and metrics ---- */

/* outputs (count, outputs) for every sample of data. Any number of threads may share a sealed
 * model, each with a context of its own; context NULL makes one for this call, with the model's
 * instruction set and threads. A sample's output has the same bits alone or among others. With
 * a context that fnn_reserve has prepared nothing is allocated. Errors of this and the calls below,
 * which leave no message in the model: FNN_ERROR_STATE for a model that is not sealed (fnn_seal),
 * the code of a broken one, FNN_ERROR_MEMORY for NULL or where memory is out, FNN_ERROR_ARGUMENT
 * for data that do not fit the model or that fnn_dataset_check refuses (fnn_evaluate needs labels
 * or targets that the loss can learn from, none if it is a function of yours) and a NULL to write
 * to. */
FNN_API fnn_result fnn_predict(const fnn_model *model, fnn_context *context,
                               const fnn_dataset *data, fnn_real *outputs);

/* As fnn_predict of a single sample x (height, width, channels): y (outputs). */
FNN_API fnn_result fnn_predict_one(const fnn_model *model, fnn_context *context, const fnn_real *x,
                                   fnn_real *y);

/* The same of a sample of bytes, such as an image. */
FNN_API fnn_result fnn_predict_one_bytes(const fnn_model *model, fnn_context *context,
                                         const uint8_t *x, fnn_real *y);

/* As fnn_predict, but the output of layer `layer` for each sample (-1: the input, normalised):
 * outputs (count, height, width, channels), with the shape that fnn_layer_shape tells. They are the
 * bits that the layers behind it take in. In front of a softmax these are the logits, as are those
 * of a last dense layer with FNN_SIGMOID (fnn_layer_count). Takes memory for a list of the layers
 * from the context's allocator, and may take workspace that fnn_reserve did not foresee.
 * FNN_ERROR_ARGUMENT also for a number that is no layer's. */
FNN_API fnn_result fnn_predict_layer(const fnn_model *model, fnn_context *context,
                                     const fnn_dataset *data, int layer, fnn_real *outputs);

/* As fnn_predict, but for each sample the number of its largest output; of a model with a single
 * output 1 where that is above one half (a logit under binary cross-entropy: above 0), else 0. */
FNN_API fnn_result fnn_predict_classes(const fnn_model *model, fnn_context *context,
                                       const fnn_dataset *data, int32_t *classes);

/* As fnn_predict, but the mean of the model's outputs (probabilities after a softmax) over several
 * views of each image, as Krizhevsky et al. 2012, section 4.1: the image; with shift > 0 also moved
 * by so many pixels up, down, left and right, where zeros come in as in fnn_augmentation; with flip
 * each of these and its mirror image. So it takes 1, 2, 5 or 10 times as long. 0 and 0 give the
 * bits of fnn_predict. FNN_ERROR_ARGUMENT for a shift that is not below height and width. */
FNN_API fnn_result fnn_predict_augmented(const fnn_model *model, fnn_context *context,
                                         const fnn_dataset *data, int flip, int shift,
                                         fnn_real *outputs);

/* Figures of a model on data. The accuracy is the share of samples (of their weights, where they
 * have any) whose largest output is at the label; under binary cross-entropy the share of outputs
 * on their target's side of one half (of a logit: of 0), as Keras' binary_accuracy; so too for a
 * single output with targets of two classes under any loss. */
typedef struct fnn_metrics {
    double loss;     /* mean over the samples, each times its weight */
    double score;    /* the accuracy where there is one, else R2 */
    double accuracy; /* NaN where data->classes is 0, unless the loss is binary cross-entropy */
    double r2;       /* over all outputs together, as fnn_r2; NaN without targets */
    int64_t count;
} fnn_metrics;

/* The model's loss and scores on data; FNN_ERROR_STATE also where a model from a file lacks its
 * loss function (fnn_set_loss_function). */
FNN_API fnn_result fnn_evaluate(const fnn_model *model, fnn_context *context,
                                const fnn_dataset *data, fnn_metrics *metrics);

/* Takes all the memory that the context needs for inference with this model (fnn_evaluate under a
 * loss function of yours takes the outputs of all samples beside it). FNN_ERROR_ARGUMENT without a
 * context. */
FNN_API fnn_result fnn_reserve(const fnn_model *model, fnn_context *context);

/* Bytes that a sealed model asks of its allocator, 0 for one that is not sealed. batch_size 0: for
 * itself. Above 0: and for what it keeps to train in batches of that size, with the most that an
 * optimiser remembers (two numbers a parameter) and the gradients (fnn_backward, clip_norm); if the
 * sum does not fit into a size_t, the largest size_t. A fit gives back at its end what it takes
 * beyond that for the order of the samples (8 bytes each) and for validation (as fnn_reserve).
 * What fnn_resume goes on from is kept until the next fit, and counts from the fit on: 64 bytes an
 * epoch, for restore_best and ema_decay a number a parameter each. A history takes
 * sizeof(fnn_epoch) an epoch. */
FNN_API size_t fnn_memory_size(const fnn_model *model, int batch_size);

/* ---- names and notes ---- */

/* Gives the outputs of a sealed model their names, which are copied: names (count), count as many
 * as outputs, or two for a single output; NULL and 0 forget them. A name is UTF-8 without control
 * characters; all together have at most 512 KiB. They go with the model through fnn_copy, fnn_save
 * and fnn_load. As of the calls below, a failure leaves the names as they were: FNN_ERROR_STATE
 * before fnn_seal, FNN_ERROR_ARGUMENT for another count or a wrong name, FNN_ERROR_MEMORY. */
FNN_API fnn_result fnn_set_class_names(fnn_model *model, const char *const *names, int count);

/* The same for the numbers of a sample, in the order of its (height, width, channels): names
 * (count), count the product of the three. The model need not be sealed. */
FNN_API fnn_result fnn_set_feature_names(fnn_model *model, const char *const *names, int count);

/* Takes over both from a data set, the features' first; of what that has no names the model keeps
 * its own. Errors as of the two, FNN_ERROR_ARGUMENT for NULL. */
FNN_API fnn_result fnn_set_names(fnn_model *model, const fnn_dataset *data);

/* The name of class number i, from 0; NULL where there is none. It stays until names are set. */
FNN_API const char *fnn_class_name(const fnn_model *model, int i);

/* The name of feature number i, on the same terms. */
FNN_API const char *fnn_feature_name(const fnn_model *model, int i);

/* Keeps a text of your own under a key, both copied, in place of an older one; value NULL takes the
 * note away. In a file it is a member of the metadata, where other programs find it and may leave
 * theirs. key: 1 to 127 printable ASCII characters, no word that fnn_save uses ("seed") and none
 * that begins with "fnn."; value: as a class name. There are at most 256 notes, of 512 KiB.
 * FNN_ERROR_ARGUMENT for others, FNN_ERROR_MEMORY; the notes stay as they were. */
FNN_API fnn_result fnn_set_note(fnn_model *model, const char *key, const char *value);

/* The text kept under a key, NULL where there is none. It stays until the next fnn_set_note. */
FNN_API const char *fnn_note(const fnn_model *model, const char *key);

/* ---- model files ---- */

/* Writes a model in use to a safetensors file: layers, loss, normalisation, weights, names and
 * notes, not what the optimiser remembers, nor what is frozen or has a rate factor, nor weights of
 * samples, which are the data set's; of a loss function only that there was one. A file at path is
 * replaced in one step, once the new one is on the disk; on failure it stays as it was (but where
 * *error says that the new one is in place). Returns FNN_ERROR_FILE, FNN_ERROR_MEMORY,
 * FNN_ERROR_STATE for a model without weights (fnn_seal) or FNN_ERROR_NUMERIC for a layer's
 * parameter that is not finite; *error (NULL allowed) says which file and why. */
FNN_API fnn_result fnn_save(const fnn_model *model, const char *path, fnn_error *error);

/* Whether fnn_save, and the CSV files of a search, can be written to path, to be asked before a
 * training that takes hours: makes the new file beside it, with one byte, and takes it away again.
 * What stands at path is not touched. Disks may fill up and permissions change until the save
 * itself, which looks again. Returns FNN_OK, FNN_ERROR_ARGUMENT for NULL and an empty path,
 * FNN_ERROR_FILE for a folder that is missing or may not be written to, for a directory, a device
 * or, on Windows, a read-only file at path, or FNN_ERROR_MEMORY; *error (NULL allowed) says why. */
FNN_API fnn_result fnn_check_writable(const char *path, fnn_error *error);

/* The model in a file that fnn_save wrote, ready for use: it predicts the same bits as the one
 * saved. config as in fnn_sequential_with, NULL: as fnn_sequential.
 * Returns NULL and fills *error when the file cannot be read, when it is damaged or describes
 * another model than its tensors, when it was written by the double library and this is the float
 * one or the other way round, or when memory is out. A checksum finds damage (files of versions
 * before it have none); the values of the weights are not checked. While it is loaded the file is
 * in memory as well. To train on, a fit starts with a new optimiser, but for a checkpoint;
 * fnn_set_seed would draw Glorot uniform weights. */
FNN_API fnn_model *fnn_load(const char *path, const fnn_context_config *config, fnn_error *error);

/* Writes a model as fnn_save does, and with it what it needs to train on as if nothing had
 * happened: what the optimiser remembers, the counts of steps and passes, what is frozen or slowed,
 * and, in or behind a fit, where that is, its averages, best weights and history, for fnn_resume.
 * fnn_load reads it as any model file; its weights are those that the model held at that moment:
 * between epochs the average where there is one, at the fit's end the best, within an epoch those
 * in training; fnn_resume puts all in place. fnn_fit_config.checkpoint has it written by a fit;
 * call it in a callback for files of your own choice, and in a training loop of your own, which
 * goes on with fnn_forward: where it was in the data and what its configuration was are for the
 * loop to know, from a note (fnn_set_note). Errors as fnn_save. */
FNN_API fnn_result fnn_save_checkpoint(const fnn_model *model, const char *path, fnn_error *error);

/* Takes the next bytes (count) of a file; returns 0, or another number where it cannot. */
typedef int (*fnn_write_function)(void *user, const void *bytes, size_t count);

/* Gives the next bytes of a file, at most capacity; returns how many, 0 at its end, a number above
 * capacity where it cannot. */
typedef size_t (*fnn_read_function)(void *user, void *bytes, size_t capacity);

/* Hands the bytes that fnn_save would write to a function of yours, in pieces of at most 8 KiB, one
 * behind the other: for a socket, an archive, a file of your own. FNN_ERROR_FILE when it fails,
 * after which it is not called again; other errors as fnn_save. */
FNN_API fnn_result fnn_save_to(const fnn_model *model, fnn_write_function write, void *user,
                               fnn_error *error);

/* The model in what a function of yours gives until its end, all of which is in memory meanwhile.
 * A socket ends where the other side closes it; of a connection that stays open the function gives
 * as many bytes as were announced (fnn_save_memory tells how many they will be), then 0.
 * FNN_ERROR_FILE when it fails; all else as fnn_load. */
FNN_API fnn_model *fnn_load_from(fnn_read_function read, void *user,
                                 const fnn_context_config *config, fnn_error *error);

/* The bytes that fnn_save would write, in memory: bytes (capacity), of which the first *size are
 * the file; bytes NULL: only *size, which tells how many they will be. Takes no memory. Errors as
 * fnn_save, *size 0 then; FNN_ERROR_ARGUMENT for a capacity that is too small and NULL as size. */
FNN_API fnn_result fnn_save_memory(const fnn_model *model, void *bytes, size_t capacity,
                                   size_t *size, fnn_error *error);

/* The model in bytes (size), the whole of a file, such as one that is compiled into the program or
 * comes over a network; they are not needed afterwards. All else as fnn_load. */
FNN_API fnn_model *fnn_load_memory(const void *bytes, size_t size, const fnn_context_config *config,
                                   fnn_error *error);

/* ---- weights from elsewhere ---- */

/* Whose weights a safetensors file holds, named and laid out as that library has them; X(name,
 * private: whether outputs come first in a shape; a part that is skipped; what weight, bias, gamma,
 * beta, mean and variance are called). */
/* clang-format off */
#define FNN_WEIGHTS_FORMAT_LIST(X) \
    /* a state_dict: dense (units, inputs), conv2d (filters, channels, height, width) */ \
    X(FNN_FROM_PYTORCH, 1, "num_batches_tracked", \
      "weight", "bias", "weight", "bias", "running_mean", "running_var") \
    /* dense (inputs, units), conv2d (height, width, channels, filters), as here */ \
    X(FNN_FROM_KERAS, 0, "", \
      "kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")
/* clang-format on */
typedef enum fnn_weights_format {
    FNN_WEIGHTS_FORMAT_LIST(FNNI_ENUM) FNN_WEIGHTS_FORMAT_COUNT
} fnn_weights_format;

/* Fills a network that was built here with the weights of the same one in PyTorch or Keras, from a
 * safetensors file of its tensors (F32, F64, F16 or BF16): examples/import_pytorch.py and
 * examples/import_keras.py write such files. Layouts are converted, and the rows of the first dense
 * layer behind images (with batch norms between) to the order in which images are flat here.
 * Running statistics come along. Everything else is the builders': activations, strides, padding,
 * the slope of a leaky ReLU (fnn_activate: PyTorch's is .01, that of Keras' layer .3, of its
 * activation of that name .2), the epsilon and momentum of batch norms (PyTorch's:
 * fnn_batch_norm_config_pytorch), the scale of the inputs (fnn_normalize_with). Images have their
 * channels last, as everywhere here, where PyTorch has them first.
 * What a tensor's name begins with, up to the last dot or slash ("fc1", "features.3"), says which
 * layer it belongs to. names (count): one of these for each layer with weights, from the input
 * upwards. NULL and 0: each layer takes the tensors whose shapes fit; layers of equal shapes take
 * them in the order of the numbers in their names (conv1, conv2; 0, 3; dense, dense_1), and where
 * the names differ in more than numbers, the call fails and says so. examples/import_pytorch.py
 * prints the names as C. A layer whose name is NULL keeps the weights that it has, as one for other
 * classes than those learned there; tensors that nobody names are left out then.
 * Else every tensor must fit a layer, and every layer get all of its own. What does not fit and a
 * damaged file leave the model unchanged, and the message (fnn_model_error) names the tensor, the
 * layer and the shapes expected and found, as the file has them: FNN_ERROR_FORMAT; FNN_ERROR_FILE
 * for a file that cannot be read, FNN_ERROR_ARGUMENT for wrong names, FNN_ERROR_STATE without
 * layers that have weights or within a fit, FNN_ERROR_MEMORY. On success the model is in use, as
 * after fnn_seal, and a fit starts with a new optimiser; fnn_set_trainable freezes layers. The
 * values of weights are not checked. */
FNN_API fnn_result fnn_load_weights(fnn_model *model, const char *path, fnn_weights_format format,
                                    const char *const *names, int count);

/* ---- grid search ---- */

/* One axis of a grid: what is varied, and the numbers that it takes. Learning rates, units,
 * filters, an activation's or an optimiser's enum value, the index into a table of yours: your
 * build function makes of them what they mean. */
typedef struct fnn_grid_axis {
    const char *name;          /* for tables */
    const double *values;      /* (count) */
    int count;                 /* at least 1 */
    const char *const *labels; /* (count) what tables show in place of the numbers, or NULL */
} fnn_grid_axis;

/* One model that a search is about to train. */
typedef struct fnn_trial {
    const double *values;     /* (axes) one of each axis, in their order */
    int candidate;            /* 0, 1, ... in the order of the grid: the last axis varies fastest */
    int fold;                 /* 0, 1, ...; -1: the refit of the best */
    uint64_t seed;            /* of the search + fold; in the refit, of the search */
    const fnn_dataset *train; /* what it will be trained on, and may be normalised by */
} fnn_trial;

typedef struct fnn_figures {
    double loss, score; /* on what it was trained on */
    double validation_loss, validation_score;
} fnn_figures;

/* One training of a candidate. */
typedef struct fnn_search_fold {
    fnn_result result;   /* FNN_ERROR_NUMERIC: a loss was not finite, the figures are NaN */
    fnn_figures figures; /* of the model at the end, as fnn_evaluate */
    fnn_history history; /* every epoch, with its validation */
    double seconds;
} fnn_search_fold;

/* What has become of a candidate; X(state, word, group): its word in tables, and (private) the
 * lower groups are ranked first. Diverged: a loss that is not finite ended the fit of one fold or
 * more, or the figure ranked by is not finite. */
/* clang-format off */
#define FNN_CANDIDATE_LIST(X) \
    X(FNN_CANDIDATE_UNFINISHED, unfinished, 2) /* the search ended before, or left it to others */ \
    X(FNN_CANDIDATE_TRAINED,    trained,    0) \
    X(FNN_CANDIDATE_DIVERGED,   diverged,   1) \
    X(FNN_CANDIDATE_SKIPPED,    skipped,    2) /* build declined it */
/* clang-format on */
typedef enum fnn_candidate_state {
    FNN_CANDIDATE_LIST(FNNI_ENUM) FNN_CANDIDATE_COUNT
} fnn_candidate_state;

typedef struct fnn_candidate {
    fnn_candidate_state state;
    int rank;               /* 1: the best; of equals the smaller mean loss first (of validation
                               where it is the figure ranked by), then the earlier; then those that
                               diverged, then those that were not trained. 0 while the search
                               runs */
    const double *values;   /* (axes) */
    fnn_search_fold *folds; /* (folds) */
    int trained;            /* of these, with those that diverged */
    fnn_figures mean;       /* over the folds; NaN unless all are trained */
    fnn_figures deviation;  /* standard deviation over the folds (divided by their number, as
                               scikit-learn); 0 for a single one */
    double seconds;         /* of all folds together */
} fnn_candidate;

/* What a search found. */
typedef struct fnn_search {
    const fnn_grid_axis *axes; /* (axis_count) the caller's */
    int axis_count;
    int folds;                 /* trainings a candidate: 1 without cross-validation */
    fnn_candidate *candidates; /* (count) in the order of the grid */
    int count;
    int best;               /* the candidate of rank 1; -1: none was trained */
    fnn_model *model;       /* the best, trained anew on all of the data; NULL without refit.
                               Set it to NULL to keep it beyond fnn_search_free */
    fnn_history history;    /* of that training */
    double seconds;         /* the search took, refit included */
    const char *score_name; /* "accuracy" or "R2": that of the model built last */
    fnn_allocator allocator;
} fnn_search;

typedef struct fnn_search_config {
    /* Makes a candidate: adds layers to `model`, which is empty, of the shape of a sample and
     * seeded with trial->seed, and fills in `fit` (fnn_fit_config_init() with trial->seed as its
     * seed). Validation data and verbose are the search's, which sets them afterwards; there must
     * be no checkpoint and no stop, since a search is not resumed within a training. Returns 0,
     * or nonzero to decline: the candidate is skipped, also when the model is broken (a kernel that
     * does not fit: return fnn_conv2d(...) < 0), but not for want of memory. A broken model that is
     * not declined ends the search with its error. Builds are made one at a time, in one order; a
     * callback in `fit` may run on several threads at once. */
    int (*build)(void *user, const fnn_trial *trial, fnn_model *model, fnn_fit_config *fit);
    void *user;                    /* NULL; for build and callback */
    int folds;                     /* 0; from 2 on: k-fold cross-validation */
    double validation_share;       /* .2; without folds: share of the samples to validate with */
    const fnn_dataset *validation; /* NULL; else what to validate with, in place of a share */
    int shuffle;                   /* FNN_ORDER_SHUFFLE, which is 1; one of fnn_order: how samples
                                      are ordered before they are cut into parts */
    uint64_t seed;                 /* 0; of that and of the trials */
    fnn_monitor monitor;           /* FNN_MONITOR_VALIDATION_SCORE: the mean of this over the folds
                                      ranks candidates; the greater score, the smaller loss */
    int refit;                     /* 1: trains the best on all of the data */
    int first, every;              /* 0, 1; the candidates first, first + every, ... of the grid are
                                      trained. Where that is not all of them, as in one of several
                                      processes, the others stay unfinished, that none is trained is
                                      no error, and nothing is refitted: fnn_search_finish is for
                                      that, once the parts are together */
    fnn_context_config context;    /* best instruction set, FNN_THREADS_OPENMP, malloc. So many
                                      trainings run side by side, on a thread each; the refit uses
                                      them all */
    int verbose;                   /* 0; 1: progress and a line a candidate on stderr */
    int (*callback)(void *user, const fnn_search *search, int candidate); /* NULL; gets each one
                                      that is finished, one at a time. Folds may be read of those
                                      that are trained or diverged: the others' are being written
                                      (table and CSVs leave them out). Nonzero: no further training
                                      is begun */
} fnn_search_config;

/* The defaults named beside the fields above; build must be given. */
FNN_API fnn_search_config fnn_search_config_init(void);

/* Trains and scores a candidate for every combination of the axes' values (axis_count 0: one, to
 * cross-validate a single model) and refits the best. Every number but the seconds of a search that
 * runs to its end is a function of the data, axes and configuration, not of the threads; a
 * candidate's figures do not depend on the others, so processes may share a grid.
 * The refit has the data of config->validation to validate with, if given. Without, a candidate
 * that stopped early or kept its best epoch by validation figures is refitted for as many epochs as
 * its folds' best epochs are on average.
 * *search is overwritten, not freed first. It is to be freed in any case: on failure it holds what
 * was trained until then. A candidate that diverges is no failure. axes are borrowed. Allocators
 * are called by one thread at a time. Returns FNN_ERROR_ARGUMENT for wrong arguments, for a fit
 * configuration that fnn_fit refuses, and if build declined every candidate; the error of a broken
 * model; FNN_ERROR_NUMERIC when no candidate could be trained and one diverged, or the refit does;
 * FNN_ERROR_MEMORY. *error (NULL allowed) names candidate and reason. */
FNN_API fnn_result fnn_grid_search(const fnn_dataset *data, const fnn_grid_axis *axes,
                                   int axis_count, const fnn_search_config *config,
                                   fnn_search *search, fnn_error *error);

/* Ends a search whose candidates were trained apart: ranks them all and refits the best, as
 * fnn_grid_search does where it trains them all. `search` is one part's, made by fnn_grid_search
 * with the same data, axes and configuration (first, every, context, refit and callbacks may
 * differ); the other candidates lie in it unfinished. First copy from the other parts, for each
 * candidate of theirs, `state`, `trained` and `seconds` and, for each of its folds, `result`,
 * `figures` and `seconds`: numbers, which any message or file carries. Means, deviations and the
 * states of those with all folds trained are computed here.
 * Histories are needed only to refit a best that stops early or keeps its best epoch by validation
 * figures without config->validation: it is FNN_ERROR_ARGUMENT where one of its folds has none (so
 * refit where that candidate was trained, or fnn_history_append them).
 * May be called again; the model and history of an earlier refit are freed first. Returns the
 * errors of fnn_grid_search, FNN_ERROR_ARGUMENT for a search that does not fit the configuration or
 * a candidate whose numbers make no sense. */
FNN_API fnn_result fnn_search_finish(const fnn_dataset *data, const fnn_search_config *config,
                                     fnn_search *search, fnn_error *error);

/* Frees candidates, histories and model, and zeroes the struct; NULL and twice are allowed. */
FNN_API void fnn_search_free(fnn_search *search);

/* The candidates of rank 1 to `most` (0: all) as a table, the best first, with mean +- standard
 * deviation; at most size bytes with the final 0. A cell shows at most 79 characters, and columns
 * from the 41st on are not aligned. While the search runs there are no ranks (0 is shown), and the
 * order is that of the grid. Returns the length of the whole text, as snprintf. */
FNN_API size_t fnn_search_table(const fnn_search *search, int most, char *text, size_t size);

/* Writes CSV (RFC 4180, numbers with a point and all their digits): a header, then in the order of
 * the grid a line a candidate with its state, rank, axes, means and deviations and each fold's
 * validation figures. A file at path is replaced in one step. Returns FNN_ERROR_FILE,
 * FNN_ERROR_MEMORY or FNN_ERROR_ARGUMENT. */
FNN_API fnn_result fnn_search_save_csv(const fnn_search *search, const char *path,
                                       fnn_error *error);

/* The same with a line an epoch of every history, where fold -1 is the refit. */
FNN_API fnn_result fnn_search_save_histories(const fnn_search *search, const char *path,
                                             fnn_error *error);

/* ---- metrics of outputs, gradient check ---- */

/* Metrics of the outputs (data->count, classes) that fnn_predict made of data, whose labels or
 * one-hot targets they find for every view as well (fnn_dataset_label): what fnn_evaluate says,
 * without predicting again. classes is the number of the model's outputs, at least data->classes.
 * (A single output for two classes has no largest: fnn_evaluate, or fnn_predict_classes for
 * fnn_confusion.) */

/* The share of samples, or of their weights, whose largest output is at the label. NaN for data
 * without classes or that fnn_dataset_check refuses, for a label outside of 0..classes-1 and for
 * wrong arguments. */
FNN_API double fnn_accuracy_on(const fnn_real *outputs, const fnn_dataset *data, int classes);

/* The same of those whose label is among the k largest outputs. */
FNN_API double fnn_top_k_on(const fnn_real *outputs, const fnn_dataset *data, int classes, int k);

/* confusion (classes, classes; rows true, columns predicted) = counts of samples, whatever they
 * weigh, overwritten, zeroed where it returns FNN_ERROR_ARGUMENT: for the same reasons. */
FNN_API fnn_result fnn_confusion_on(const fnn_real *outputs, const fnn_dataset *data, int classes,
                                    int64_t *confusion);

/* R2 as fnn_r2, of outputs (data->count, output_count) against data->targets, each sample's share
 * of it times its weight; NaN unless these are output_count a sample, for data that
 * fnn_dataset_check refuses and for NULL. */
FNN_API double fnn_r2_on(const fnn_real *outputs, const fnn_dataset *data, int output_count);

/* Metrics on arrays: outputs (count, classes), labels and predicted (count), sample by sample. The
 * labels of a view are not data->labels, whose order is that of the rows: use the calls above. */

/* The share of samples whose largest output is at the label. 0 where count is 0; NaN for a
 * label outside of 0..classes-1 and for wrong arguments. */
FNN_API double fnn_accuracy(const fnn_real *outputs, const int32_t *labels, int64_t count,
                            int classes);

/* The share of all outputs (count, output_count) that are above the threshold where their targets
 * (as many) are above one half, and not above it where these are not, as Keras' binary_accuracy.
 * threshold: .5 for probabilities, 0 for logits. A NaN output is wrong. 0 where count is 0; NaN for
 * wrong arguments. */
FNN_API double fnn_binary_accuracy(const fnn_real *outputs, const fnn_real *targets, int64_t count,
                                   int output_count, double threshold);

/* The share of samples whose label is among the k largest outputs; NaN as above. */
FNN_API double fnn_top_k(const fnn_real *outputs, const int32_t *labels, int64_t count, int classes,
                         int k);

/* confusion (classes, classes; rows true, columns predicted) = counts, overwritten, also when it
 * returns FNN_ERROR_ARGUMENT for a number outside of 0..classes-1. */
FNN_API fnn_result fnn_confusion(const int32_t *predicted, const int32_t *labels, int64_t count,
                                 int classes, int64_t *confusion);

/* Precision, recall and f1 of each class, from the counts of fnn_confusion: arrays of `classes`,
 * each of which may be NULL; 0 / 0 is 0. Returns FNN_ERROR_ARGUMENT for no counts or no classes. */
FNN_API fnn_result fnn_precision_recall(const int64_t *confusion, int classes, double *precision,
                                        double *recall, double *f1);

/* 1 - sum (t - y)^2 / sum (t - mean t)^2 over (count, output_count) values, mean per output. Of
 * targets that do not vary, as those of a single sample, it is 1 if the outputs are exact, else 0,
 * as scikit-learn's r2_score. NaN for wrong arguments. For a view fnn_r2_on. */
FNN_API double fnn_r2(const fnn_real *outputs, const fnn_real *targets, int64_t count,
                      int output_count);

/* What fnn_check_gradients finds: the worst parameter tensor by |a - n| / (|a| + |n|), norms over
 * the tensor's elements, a the computed gradient, n the central difference. */
typedef struct fnn_gradient_check {
    double worst;
    int worst_layer;
    int worst_is_bias;
    int64_t checked; /* parameters perturbed */
} fnn_gradient_check;

/* Compares every gradient with (loss(w + h) - loss(w - h)) / 2h on the samples of data as one
 * batch, dropout included, with the l2 and l1 of config; frozen layers are left out. Exact to about
 * 1e-8 in the double library with h 1e-5; the float library can do 1e-2 or so. A tensor without
 * influence, such as the biases in front of a batch norm, gives noise near 1. per_tensor (2 per
 * layer: weights, biases; NaN where there are none, or frozen) may be NULL. *report is zeroed where
 * it returns FNN_ERROR_ARGUMENT for a NULL or an h <= 0, or what fnn_forward and fnn_loss do. */
FNN_API fnn_result fnn_check_gradients(fnn_model *model, const fnn_dataset *data,
                                       const fnn_fit_config *config, double h,
                                       fnn_gradient_check *report, double *per_tensor);

/* ---- kernels ---- */

/* C = alpha op(A) op(B) + beta C, as BLAS' sgemm on row-major matrices.
 * op(A) is (m,k): a is (m,lda) with lda >= k, or transposed (k,lda) with lda >= m; op(B) is
 * (k,n): b is (k,ldb) with ldb >= n, or transposed (n,ldb) with ldb >= k; c is (m,ldc),
 * ldc >= n. c overlaps neither a nor b. beta 0 never reads C, alpha 0 neither A nor B, so
 * what stands there may be NaN. Each element's sum runs over k in one order, whatever m, n
 * and the threads are. Returns FNN_ERROR_ARGUMENT on a negative size, a leading dimension too
 * small or a NULL matrix that would be read or written, FNN_ERROR_MEMORY without workspace. */
FNN_API fnn_result fnn_sgemm(fnn_context *context, int transpose_a, int transpose_b, ptrdiff_t m,
                             ptrdiff_t n, ptrdiff_t k, fnn_real alpha, const fnn_real *a,
                             ptrdiff_t lda, const fnn_real *b, ptrdiff_t ldb, fnn_real beta,
                             fnn_real *c, ptrdiff_t ldc);

/* The elementwise kernels run on the calling thread. Of the context they take the instruction set
 * only, so several threads may share one here; with NULL the processor is asked on each call,
 * which costs more than a short array does. They return FNN_ERROR_ARGUMENT, and touch nothing,
 * on a negative size, a NULL array that would be used, a number out of its range, or NULL as
 * context while FNN_ISA names no instruction set of this machine. Arrays overlap entirely where
 * "may be" says so, otherwise not at all. */

/* y = e^x for n elements; y may be x. Every float: within 1 unit in the last place of the true
 * value, subnormal ones included; NaN gives NaN. */
FNN_API fnn_result fnn_exp(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y);

/* y = ln x, as exact; ln 0 = -infinity, ln of a negative number is NaN. */
FNN_API fnn_result fnn_log(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y);

/* y = tanh x, within 2 units in the last place. */
FNN_API fnn_result fnn_tanh(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y);

/* y = 1 / (1 + e^-x), within 2 units in the last place. */
FNN_API fnn_result fnn_sigmoid(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y);

/* y = f(x) for n elements; kind is any but FNN_SOFTMAX (fnn_softmax), parameter is read by
 * FNN_LEAKY_RELU and FNN_ELU. y may be x. NaN gives NaN. */
FNN_API fnn_result fnn_activation_forward(fnn_context *context, fnn_activation kind,
                                          fnn_real parameter, ptrdiff_t n, const fnn_real *x,
                                          fnn_real *y);

/* dx = dy f'(x) for n elements. All kinds take f' from the outputs y, so x may be NULL; FNN_GELU
 * takes it from the inputs x, and y may be NULL. At a kink f' is the left slope, so 0 for
 * FNN_RELU at 0. The parameter of FNN_LEAKY_RELU and FNN_ELU must be at least 0: with another y
 * does not tell on which side x was. dx may be any of dy, x, y. */
FNN_API fnn_result fnn_activation_backward(fnn_context *context, fnn_activation kind,
                                           fnn_real parameter, ptrdiff_t n, const fnn_real *x,
                                           const fnn_real *y, const fnn_real *dy, fnn_real *dx);

/* y = softmax of each row of x, both (rows,columns); the row's maximum is subtracted first, so
 * finite numbers never overflow. y may be x. A NaN or +infinity makes its row NaN. */
FNN_API fnn_result fnn_softmax(fnn_context *context, ptrdiff_t rows, ptrdiff_t columns,
                               const fnn_real *x, fnn_real *y);

/* Cross-entropy of softmax(logits) against a target distribution, and its gradient.
 * logits (rows,classes); the target is targets (rows,classes) or, with targets NULL, 1 at
 * labels (rows) in 0..classes-1. It is smoothed to t = (1 - smoothing) target + smoothing/classes
 * (Szegedy et al. 2016), 0 <= smoothing <= 1.
 * losses (rows, or NULL) = -sum t log softmax(logits); gradient (rows,classes, or NULL, may be
 * logits) = scale (softmax(logits) sum t - t): scale 1/rows makes it that of the mean loss. */
FNN_API fnn_result fnn_softmax_cross_entropy(fnn_context *context, ptrdiff_t rows,
                                             ptrdiff_t classes, const fnn_real *logits,
                                             const int32_t *labels, const fnn_real *targets,
                                             fnn_real smoothing, fnn_real scale, fnn_real *losses,
                                             fnn_real *gradient);

/* *result = sum of x over n elements. The order of the additions depends on n and on the
 * instruction set. */
FNN_API fnn_result fnn_sum(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *result);

/* *result = sum of x y, likewise. */
FNN_API fnn_result fnn_dot(fnn_context *context, ptrdiff_t n, const fnn_real *x, const fnn_real *y,
                           fnn_real *result);

/* y[i] = (x[i] - shift[j]) scale[j] for n bytes, such as the pixels of an image; j = i with
 * per_element, 0 without: shift and scale hold n numbers or one. */
FNN_API fnn_result fnn_from_bytes(fnn_context *context, ptrdiff_t n, const uint8_t *x,
                                  int per_element, const fnn_real *shift, const fnn_real *scale,
                                  fnn_real *y);

/* y[i] = x[i] / (1 - rate) with probability 1 - rate, else 0, 0 <= rate <= 1 (Srivastava et al.
 * 2014, scaled while training). Which are kept is a function of key, rate and offset + i, so
 * dropout of the gradient with the same three is the backward pass. y may be x. */
FNN_API fnn_result fnn_dropout_apply(fnn_context *context, ptrdiff_t n, uint64_t key,
                                     uint64_t offset, fnn_real rate, const fnn_real *x,
                                     fnn_real *y);

/* A window of kernel_height x kernel_width that slides over an image (height, width, channels).
 * Output (i, j) of (out_height, out_width) sees the input from row i stride_height - pad_top and
 * column j stride_width - pad_left on. */
typedef struct fnn_window {
    int height, width, channels;
    int kernel_height, kernel_width, stride_height, stride_width;
    int pad_top, pad_left;
    int out_height, out_width;
} fnn_window;

/* Fills in a window; FNN_ERROR_ARGUMENT, and zeros in it, when a size is below 1 or the kernel
 * exceeds the image under FNN_VALID, and for FNN_EXPLICIT, which the next call does. */
FNN_API fnn_result fnn_window_make(int height, int width, int channels, int kernel_height,
                                   int kernel_width, int stride_height, int stride_width,
                                   fnn_padding padding, fnn_window *window);

/* The same with explicit padding (see fnn_padding): pad_height rows above and below, pad_width
 * columns on either side. FNN_ERROR_ARGUMENT, and zeros in it, when a size is below 1, a pad is
 * negative or not less than its kernel, the kernel exceeds the padded image, or the output has
 * more rows or columns than an int counts. */
FNN_API fnn_result fnn_window_make_padded(int height, int width, int channels, int kernel_height,
                                          int kernel_width, int stride_height, int stride_width,
                                          int pad_height, int pad_width, fnn_window *window);

/* Convolutions (cross-correlations, as everywhere in the field) of whole images, on the context's
 * threads. x and dx (images, height, width, channels); y and dy (images, out_height, out_width,
 * filters); weights and dw (kernel_height, kernel_width, channels, filters); bias and db (filters).
 * Outside of an image lie zeros. No array overlaps another. Nothing is summed over threads: the
 * bits do not depend on how many there are. A NaN or infinity stays in its image, but where
 * filters (in backward_data: channels) are few it may reach outputs of windows beside it.
 * FNN_ERROR_ARGUMENT, FNN_ERROR_MEMORY. */

/* y = x * weights + bias (NULL: none). */
FNN_API fnn_result fnn_conv2d_forward(fnn_context *context, const fnn_window *window, int filters,
                                      ptrdiff_t images, const fnn_real *x, const fnn_real *weights,
                                      const fnn_real *bias, fnn_real *y);

/* dx = the gradient towards x, overwritten. */
FNN_API fnn_result fnn_conv2d_backward_data(fnn_context *context, const fnn_window *window,
                                            int filters, ptrdiff_t images, const fnn_real *dy,
                                            const fnn_real *weights, fnn_real *dx);

/* dw, db (NULL: not wanted) = the gradients towards weights and bias, summed over images,
 * overwritten. */
FNN_API fnn_result fnn_conv2d_backward_weights(fnn_context *context, const fnn_window *window,
                                               int filters, ptrdiff_t images, const fnn_real *x,
                                               const fnn_real *dy, fnn_real *dw, fnn_real *db);

/* Pooling of whole images, each channel for itself, on the context's threads (NULL: on one). x and
 * dx (images, height, width, channels); y and dy (images, out_height, out_width, channels). What
 * lies outside of the image belongs to no window: it is neither compared nor counted. No array
 * overlaps another. FNN_ERROR_ARGUMENT, with nothing written, on a negative count, a window that
 * reaches beyond its arrays, a NULL array that would be used, and for max pooling on a window
 * of more than 256 positions. */

/* y = the window's maximum; index (as y; NULL: not wanted) = where it stands in the window,
 * kh kernel_width + kw, the first of several. A NaN in the window makes y NaN, and index that of
 * the last NaN. */
FNN_API fnn_result fnn_max_pool2d_forward(fnn_context *context, const fnn_window *window,
                                          ptrdiff_t images, const fnn_real *x, fnn_real *y,
                                          uint8_t *index);

/* dx = the gradient towards x, from index and dy; windows that overlap add up. */
FNN_API fnn_result fnn_max_pool2d_backward(fnn_context *context, const fnn_window *window,
                                           ptrdiff_t images, const uint8_t *index,
                                           const fnn_real *dy, fnn_real *dx);

/* y = the window's mean. A window as large as the image makes it the global average. */
FNN_API fnn_result fnn_average_pool2d_forward(fnn_context *context, const fnn_window *window,
                                              ptrdiff_t images, const fnn_real *x, fnn_real *y);

/* dx = the gradient of the mean. */
FNN_API fnn_result fnn_average_pool2d_backward(fnn_context *context, const fnn_window *window,
                                               ptrdiff_t images, const fnn_real *dy, fnn_real *dx);

/* What each window sees as a row of a matrix: columns (images, out_height, out_width,
 * kernel_height, kernel_width, channels), zero outside of the image, so that a convolution is
 * columns times weights (Chellapilla, Puri and Simard 2006). Threads, aliasing and errors as for
 * pooling. */
FNN_API fnn_result fnn_im2col(fnn_context *context, const fnn_window *window, ptrdiff_t images,
                              const fnn_real *x, fnn_real *columns);

/* Adds every element of columns to the place in dx that fnn_im2col takes it from; dx is
 * overwritten. */
FNN_API fnn_result fnn_col2im(fnn_context *context, const fnn_window *window, ptrdiff_t images,
                              const fnn_real *columns, fnn_real *dx);

/* Batch normalisation with the batch's own statistics (Ioffe and Szegedy 2015, algorithm 1), on
 * the context's threads (NULL: on one); x, y, dy, dx (rows, channels), so rows counts pixels:
 *     mean = sum x / rows,  variance = sum (x - mean)^2 / rows             written, (channels) each
 *     y = gamma (x - mean) / sqrt(variance + epsilon) + beta
 * gamma and beta (channels; NULL: 1 and 0). y may be x. The sums are taken in double over blocks of
 * rows, about the first block's mean: their bits depend neither on the threads nor, much, on how
 * far the mean lies from 0. FNN_ERROR_ARGUMENT when rows or channels is below 1, epsilon is
 * negative or an array that is needed is NULL; FNN_ERROR_MEMORY without workspace. */
FNN_API fnn_result fnn_batch_norm_forward(fnn_context *context, ptrdiff_t rows, ptrdiff_t channels,
                                          const fnn_real *x, const fnn_real *gamma,
                                          const fnn_real *beta, fnn_real epsilon, fnn_real *mean,
                                          fnn_real *variance, fnn_real *y);

/* Its gradient, from the mean and the variance that forward wrote; xhat = (x - mean) /
 * sqrt(variance + epsilon):
 *     dbeta = sum dy,  dgamma = sum dy xhat                                (NULL: not wanted)
 *     dx = gamma / sqrt(variance + epsilon) (dy - dbeta / rows - xhat dgamma / rows)
 * dx may be dy or x. Errors as forward's. */
FNN_API fnn_result fnn_batch_norm_backward(fnn_context *context, ptrdiff_t rows, ptrdiff_t channels,
                                           const fnn_real *x, const fnn_real *dy,
                                           const fnn_real *gamma, const fnn_real *mean,
                                           const fnn_real *variance, fnn_real epsilon, fnn_real *dx,
                                           fnn_real *dgamma, fnn_real *dbeta);

#ifdef __cplusplus
}
#endif
/* That is all of the interface: stop here if you only want to use the library. */
#endif /* FMNIST_NN_H */

/* ============================================================================
 * >>platform  compiler macros, intrinsic headers, CPU detection
 * ============================================================================
 * The only place (with >>kernels and >>dispatch) that asks which compiler, system or
 * processor this is. To support another compiler, give it its lines here. */
#if defined(FMNIST_NN_IMPLEMENTATION) && !defined(FNNI_IMPLEMENTATION)
#define FNNI_IMPLEMENTATION

#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <fcntl.h>
#include <sys/stat.h>
#if defined(_WIN32)
#include <io.h>
#include <process.h>
#else
#include <unistd.h>
#endif
#if !defined(_MSC_VER)
#include <sys/time.h>
#endif
#ifdef _OPENMP
#include <omp.h>
#endif

/* What lets the compiler reorder sums and forget NaN and infinity takes exp apart, and more. */
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0)
#error "fmnist_nn.h: compile the implementation without -ffast-math, -Ofast, -ffinite-math-only"
#endif
#ifndef FMNIST_NN_FILE
#define FMNIST_NN_FILE "fmnist_nn.h" /* by what name this file includes itself */
#endif
#if defined(FMNIST_NN_MALLOC) != defined(FMNIST_NN_FREE)
#error "define both FMNIST_NN_MALLOC(bytes) and FMNIST_NN_FREE(pointer), or neither"
#endif
#ifndef FMNIST_NN_MALLOC
#define FMNIST_NN_MALLOC(bytes) malloc(bytes)
#define FMNIST_NN_FREE(pointer) free(pointer)
#endif

#if defined(__GNUC__) || defined(__clang__)
#define FNNI_GNU 1
#else
#define FNNI_GNU 0
#endif

/* Which instruction sets this build holds. The double library has the scalar one alone. */
#if defined(FMNIST_NN_NO_SIMD) || FNNI_REAL_IS_DOUBLE
#define FNNI_X86 0
#define FNNI_ARM64 0
#elif (defined(__x86_64__) || defined(__i386__)) && FNNI_GNU
#define FNNI_X86 1
#define FNNI_ARM64 0
#elif defined(_M_X64)
#define FNNI_X86 1
#define FNNI_ARM64 0
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#define FNNI_X86 0
#define FNNI_ARM64 1
#else
#define FNNI_X86 0
#define FNNI_ARM64 0
#endif

#if FNNI_X86
#include <immintrin.h>
#if !FNNI_GNU
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif
#if FNNI_ARM64
#include <arm_neon.h>
#endif

/* What runs once is compiled for size, with all that only such functions call: that is quicker, and
 * leaves the caches to the rest. FNNI_HOT takes a loop out of it again. */
#if FNNI_GNU
#define FNNI_COLD __attribute__((cold))
#define FNNI_HOT __attribute__((hot))
#else
#define FNNI_COLD
#define FNNI_HOT
#endif
#if FNNI_GNU && !defined(__OPTIMIZE__)
#define FNNI_OPTIMIZING 0
#else
#define FNNI_OPTIMIZING 1
#endif
#if FNNI_GNU
#if FNNI_OPTIMIZING
#define FNNI_FORCE_INLINE static inline __attribute__((always_inline, unused))
#else /* calls are slow as all the rest then, and inlining would take most of the compile's time */
#define FNNI_FORCE_INLINE static __attribute__((unused))
#endif
#define FNNI_FORMAT(string, first) __attribute__((format(printf, string, first)))
#define FNNI_PREFETCH(address) __builtin_prefetch(address)
#define FNNI_PREFETCH_L2(address) __builtin_prefetch(address, 0, 2)
#else
#if defined(_MSC_VER)
#define FNNI_FORCE_INLINE static __forceinline
#else
#define FNNI_FORCE_INLINE static inline
#endif
#define FNNI_FORMAT(string, first)
#define FNNI_PREFETCH(address) ((void)(address))
#define FNNI_PREFETCH_L2(address) ((void)(address))
#endif
#define FNNI_NAN ((double)NAN)

/* Whether float is computed as float; tcc's float.h does not say: then take care. */
#ifdef FLT_EVAL_METHOD
#define FNNI_EVAL_METHOD FLT_EVAL_METHOD
#else
#define FNNI_EVAL_METHOD (-1)
#endif

/* What carries an instruction set into a function. */
#if FNNI_GNU
#define FNNI_NOINLINE __attribute__((noinline))
#define FNNI_FOR(features) __attribute__((target(features)))
#define FNNI_UNUSED __attribute__((unused))
#else
#define FNNI_NOINLINE
#define FNNI_FOR(features)
#define FNNI_UNUSED
#endif

/* Everything in the kernel room is named through these, which take the suffix of the pass
 * at the place of use (FNNI_NAME is defined anew in each pass). */
#define fnni_v FNNI_NAME(v)
#define fnni_m FNNI_NAME(m)
#define fnni_vzero FNNI_NAME(vzero)
#define fnni_vset FNNI_NAME(vset)
#define fnni_vload FNNI_NAME(vload)
#define fnni_vstore FNNI_NAME(vstore)
#define fnni_vmask FNNI_NAME(vmask)
#define fnni_vload_m FNNI_NAME(vload_m)
#define fnni_vstore_m FNNI_NAME(vstore_m)
#define fnni_vadd FNNI_NAME(vadd)
#define fnni_vsub FNNI_NAME(vsub)
#define fnni_vmul FNNI_NAME(vmul)
#define fnni_vdiv FNNI_NAME(vdiv)
#define fnni_vfma FNNI_NAME(vfma)
#define fnni_vfnma FNNI_NAME(vfnma)
#define fnni_tile_put FNNI_NAME(tile_put)
#define fnni_tile FNNI_NAME(tile)
#define fnni_tile_run FNNI_NAME(tile_run)
#define fnni_tile_rows FNNI_NAME(tile_rows)
#define fnni_gemm_tiles FNNI_NAME(gemm_tiles)
#define fnni_whole FNNI_NAME(whole)
#define fnni_lanes_left FNNI_NAME(lanes_left)
#define fnni_pack_row FNNI_NAME(pack_row)
#define fnni_pack_rows FNNI_NAME(pack_rows)
#define fnni_pack_transposed FNNI_NAME(pack_transposed)
#define fnni_vtranspose FNNI_NAME(vtranspose)
#define fnni_pack_square FNNI_NAME(pack_square)
#define fnni_vtranspose_fours FNNI_NAME(vtranspose_fours)
#define fnni_vtranspose_halves FNNI_NAME(vtranspose_halves)
#define fnni_vtranspose_quarters FNNI_NAME(vtranspose_quarters)
#define fnni_vmin FNNI_NAME(vmin)
#define fnni_vmax FNNI_NAME(vmax)
#define fnni_vsqrt FNNI_NAME(vsqrt)
#define fnni_vgt FNNI_NAME(vgt)
#define fnni_veq FNNI_NAME(veq)
#define fnni_vselect FNNI_NAME(vselect)
#define fnni_vhsum FNNI_NAME(vhsum)
#define fnni_vhmax FNNI_NAME(vhmax)
#define fnni_vfirst FNNI_NAME(vfirst)
#define fnni_vload_bytes FNNI_NAME(vload_bytes)
#define fnni_vload_bytes_n FNNI_NAME(vload_bytes_n)
#define fnni_vscale FNNI_NAME(vscale)
#define fnni_vscale_normal FNNI_NAME(vscale_normal)
#define fnni_vbits FNNI_NAME(vbits)
#define fnni_vfrom_bits FNNI_NAME(vfrom_bits)
#define fnni_vfrom_int FNNI_NAME(vfrom_int)
#define fnni_u FNNI_NAME(u)
#define fnni_uset FNNI_NAME(uset)
#define fnni_uiota FNNI_NAME(uiota)
#define fnni_uadd FNNI_NAME(uadd)
#define fnni_usub FNNI_NAME(usub)
#define fnni_umul FNNI_NAME(umul)
#define fnni_uand FNNI_NAME(uand)
#define fnni_uor FNNI_NAME(uor)
#define fnni_uxor FNNI_NAME(uxor)
#define fnni_ushl FNNI_NAME(ushl)
#define fnni_ushr FNNI_NAME(ushr)
#define fnni_uge FNNI_NAME(uge)
#define fnni_get FNNI_NAME(get)
#define fnni_put FNNI_NAME(put)
#define fnni_vabs FNNI_NAME(vabs)
#define fnni_vcopysign FNNI_NAME(vcopysign)
#define fnni_exp_reduce FNNI_NAME(exp_reduce)
#define fnni_exp_rest FNNI_NAME(exp_rest)
#define fnni_exp_sum FNNI_NAME(exp_sum)
#define fnni_vexp FNNI_NAME(vexp)
#define fnni_vexp_below FNNI_NAME(vexp_below)
#define fnni_vexpm1_below FNNI_NAME(vexpm1_below)
#define fnni_vlog FNNI_NAME(vlog)
#define fnni_vlog_special FNNI_NAME(vlog_special)
#define fnni_vtanh FNNI_NAME(vtanh)
#define fnni_vsigmoid FNNI_NAME(vsigmoid)
#define fnni_normal_tail FNNI_NAME(normal_tail)
#define fnni_vgelu FNNI_NAME(vgelu)
#define fnni_vgelu_slope FNNI_NAME(vgelu_slope)
#define fnni_f FNNI_NAME(f)
#define fnni_slope FNNI_NAME(slope)
#define fnni_map FNNI_NAME(map)
#define fnni_map_vector FNNI_NAME(map_vector)
#define fnni_map_row FNNI_NAME(map_row)
#define fnni_map_rows FNNI_NAME(map_rows)
#define fnni_copy FNNI_NAME(copy)
#define fnni_stretch_key FNNI_NAME(stretch_key)
#define fnni_activation FNNI_NAME(activation)
#define fnni_activation_backward FNNI_NAME(activation_backward)
#define fnni_bias_activation FNNI_NAME(bias_activation)
#define fnni_row_maximum FNNI_NAME(row_maximum)
#define fnni_row_exp FNNI_NAME(row_exp)
#define fnni_row_load FNNI_NAME(row_load)
#define fnni_row_reduce FNNI_NAME(row_reduce)
#define fnni_row_exp_short FNNI_NAME(row_exp_short)
#define fnni_softmax_short FNNI_NAME(softmax_short)
#define fnni_softmax FNNI_NAME(softmax)
#define fnni_entropy FNNI_NAME(entropy)
#define fnni_entropy_terms FNNI_NAME(entropy_terms)
#define fnni_entropy_gradient FNNI_NAME(entropy_gradient)
#define fnni_entropy_row FNNI_NAME(entropy_row)
#define fnni_entropy_block FNNI_NAME(entropy_block)
#define fnni_entropy_losses FNNI_NAME(entropy_losses)
#define fnni_entropy_target FNNI_NAME(entropy_target)
#define fnni_entropy_product FNNI_NAME(entropy_product)
#define fnni_entropy_short FNNI_NAME(entropy_short)
#define fnni_entropy_rows FNNI_NAME(entropy_rows)
#define fnni_entropy_any FNNI_NAME(entropy_any)
#define fnni_softmax_cross_entropy FNNI_NAME(softmax_cross_entropy)
#define fnni_sum FNNI_NAME(sum)
#define fnni_dot FNNI_NAME(dot)
#define fnni_add_scaled FNNI_NAME(add_scaled)
#define fnni_scale FNNI_NAME(scale)
#define fnni_fill FNNI_NAME(fill)
#define fnni_column_strip FNNI_NAME(column_strip)
#define fnni_column_sums FNNI_NAME(column_sums)
#define fnni_standardise FNNI_NAME(standardise)
#define fnni_inputs_loop FNNI_NAME(inputs_loop)
#define fnni_from_bytes FNNI_NAME(from_bytes)
#define fnni_from_reals FNNI_NAME(from_reals)
#define fnni_stepper FNNI_NAME(stepper)
#define fnni_stepper_open FNNI_NAME(stepper_open)
#define fnni_step_gradient FNNI_NAME(step_gradient)
#define fnni_step_plain FNNI_NAME(step_plain)
#define fnni_step_weight FNNI_NAME(step_weight)
#define fnni_step_root FNNI_NAME(step_root)
#define fnni_step_mean FNNI_NAME(step_mean)
#define fnni_formula FNNI_NAME(formula)
#define fnni_step_vector FNNI_NAME(step_vector)
#define fnni_step_loop FNNI_NAME(step_loop)
#define fnni_optimizer_step FNNI_NAME(optimizer_step)
#define fnni_hash FNNI_NAME(hash)
#define fnni_dropout_run FNNI_NAME(dropout_run)
#define fnni_dropout FNNI_NAME(dropout)
#define fnni_b FNNI_NAME(b)
#define fnni_bset FNNI_NAME(bset)
#define fnni_bload FNNI_NAME(bload)
#define fnni_bload_n FNNI_NAME(bload_n)
#define fnni_bstore FNNI_NAME(bstore)
#define fnni_bstore_n FNNI_NAME(bstore_n)
#define fnni_bselect FNNI_NAME(bselect)
#define fnni_beq FNNI_NAME(beq)
#define fnni_vabove FNNI_NAME(vabove)
#define fnni_reach_of FNNI_NAME(reach_of)
#define fnni_reach_down FNNI_NAME(reach_down)
#define fnni_reach_across FNNI_NAME(reach_across)
#define fnni_patch_of FNNI_NAME(patch_of)
#define fnni_bget FNNI_NAME(bget)
#define fnni_bput FNNI_NAME(bput)
#define fnni_max_window FNNI_NAME(max_window)
#define fnni_max_square FNNI_NAME(max_square)
#define fnni_max_either FNNI_NAME(max_either)
#define fnni_max_run FNNI_NAME(max_run)
#define fnni_max_pool FNNI_NAME(max_pool)
#define fnni_given FNNI_NAME(given)
#define fnni_give_window FNNI_NAME(give_window)
#define fnni_give_run FNNI_NAME(give_run)
#define fnni_back_apart FNNI_NAME(back_apart)
#define fnni_windows_apart FNNI_NAME(windows_apart)
#define fnni_seen_by FNNI_NAME(seen_by)
#define fnni_seen_down FNNI_NAME(seen_down)
#define fnni_seen_across FNNI_NAME(seen_across)
#define fnni_max_gather FNNI_NAME(max_gather)
#define fnni_max_pool_backward FNNI_NAME(max_pool_backward)
#define fnni_average_window FNNI_NAME(average_window)
#define fnni_average_run FNNI_NAME(average_run)
#define fnni_average_pool FNNI_NAME(average_pool)
#define fnni_average_gather FNNI_NAME(average_gather)
#define fnni_average_pool_backward FNNI_NAME(average_pool_backward)
#define fnni_im2col FNNI_NAME(im2col)
#define fnni_col2im FNNI_NAME(col2im)
#define fnni_sums_vector FNNI_NAME(sums_vector)
#define fnni_sums_put FNNI_NAME(sums_put)
#define fnni_sums_strip FNNI_NAME(sums_strip)
#define fnni_sums_columns FNNI_NAME(sums_columns)
#define fnni_rows_together FNNI_NAME(rows_together)
#define fnni_spread FNNI_NAME(spread)
#define fnni_sums_any FNNI_NAME(sums_any)
#define fnni_moments FNNI_NAME(moments)
#define fnni_norm_sums FNNI_NAME(norm_sums)
#define fnni_affine_vector FNNI_NAME(affine_vector)
#define fnni_affine_strip FNNI_NAME(affine_strip)
#define fnni_affine_row FNNI_NAME(affine_row)
#define fnni_affine_strips FNNI_NAME(affine_strips)
#define fnni_affine_close FNNI_NAME(affine_close)
#define fnni_affine_any FNNI_NAME(affine_any)
#define fnni_scale_shift FNNI_NAME(scale_shift)
#define fnni_norm_backward FNNI_NAME(norm_backward)
#define fnni_reach FNNI_NAME(reach)
#define fnni_patch FNNI_NAME(patch)
#define fnni_seen FNNI_NAME(seen)

/* Whether processor and operating system both support an instruction set: CPUID says what the
 * processor has, XGETBV which registers the system saves (Intel SDM vol. 1, 14.3 and 15.2). */
#if FNNI_X86
static void fnni_cpuid(unsigned leaf, unsigned *registers)
{
#if FNNI_GNU
    if (!__get_cpuid_count(leaf, 0, registers, registers + 1, registers + 2, registers + 3))
        registers[0] = registers[1] = registers[2] = registers[3] = 0;
#else
    __cpuidex((int *)registers, (int)leaf, 0);
#endif
}

static unsigned fnni_saved_registers(void)
{
#if FNNI_GNU
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
#else
    return (unsigned)_xgetbv(0);
#endif
}

/* Whether the system saves these registers (bits of XCR0) and the processor has AVX, FMA and these
 * bits of leaf 7's EBX. */
static int fnni_x86_has(unsigned saved, unsigned features)
{
    unsigned one[4], seven[4];
    fnni_cpuid(1, one);
    fnni_cpuid(7, seven);
    if (!(one[2] >> 27 & 1)) return 0; /* OSXSAVE: without it there is no XGETBV */
    return (fnni_saved_registers() & saved) == saved && (one[2] >> 12 & 1) && (one[2] >> 28 & 1) &&
           (seven[1] & features) == features;
}
#else
static int fnni_x86_has(unsigned saved, unsigned features)
{
    (void)saved, (void)features;
    return 0;
}
#endif

/* Seconds since some point in the past, for progress and reports. With -std=c99 the C library's
 * header does not declare clock_gettime: then the time of day, which may be set back. */
static double fnni_seconds(void)
{
#if defined(_MSC_VER)
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
#elif defined(CLOCK_MONOTONIC) && !defined(_WIN32)
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
#else
    struct timeval t;
    gettimeofday(&t, NULL);
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
#endif
}

/* Whether stderr is a terminal. */
static int fnni_terminal(void)
{
#if defined(_WIN32)
    return _isatty(2);
#else
    return isatty(2);
#endif
}

/* ---- files that must not be lost ----
 * Plain descriptors, since -std=c99 leaves fileno and mkstemp undeclared. Each returns -1 and sets
 * errno when it fails. */

/* The permissions of the file at path, 0666 where there is none or none can be seen; -1 when it is
 * something else than a file, -2 when it is one that the system will not replace, which for Windows
 * is a read-only one. That does not see "folder\" as a folder. */
static int fnni_os_mode(const char *path)
{
#if defined(_WIN32)
    const size_t length = strlen(path);
    struct _stat s;
    if (length > 0 && strchr("/\\", path[length - 1])) return -1;
    if (_stat(path, &s)) return _S_IREAD | _S_IWRITE;
    if ((s.st_mode & _S_IFMT) != _S_IFREG) return -1;
    return s.st_mode & _S_IWRITE ? _S_IREAD | _S_IWRITE : -2;
#else
    struct stat s;
    if (stat(path, &s)) return 0666;
    return S_ISREG(s.st_mode) ? (int)(s.st_mode & 0777) : -1;
#endif
}

/* A new file for writing; EEXIST where there is one already. On Windows a child process would keep
 * it open, and from being renamed. */
static int fnni_os_create(const char *path, int mode)
{
#if defined(_WIN32)
    return _open(path, _O_WRONLY | _O_CREAT | _O_EXCL | _O_BINARY | _O_NOINHERIT, mode);
#else
    return open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
#endif
}

static ptrdiff_t fnni_os_write(int file, const void *bytes, size_t count)
{
#if defined(_WIN32)
    return _write(file, bytes, (unsigned)count);
#else
    return (ptrdiff_t)write(file, bytes, count);
#endif
}

/* Waits until the disk has the file. */
static int fnni_os_sync(int file)
{
#if defined(_WIN32)
    return _commit(file);
#else
    return fsync(file);
#endif
}

static int fnni_os_close(int file)
{
#if defined(_WIN32)
    return _close(file);
#else
    return close(file);
#endif
}

#if defined(_WIN32)
/* In the words of <windows.h>, which may be included as well. Here it would bring thousands of
 * names and macros (min, max, small) into the unit of the library's user. */
#ifdef __cplusplus
extern "C" {
#endif
__declspec(dllimport) int __stdcall MoveFileExA(const char *from, const char *to,
                                                unsigned long flags);
__declspec(dllimport) unsigned long __stdcall GetLastError(void);
__declspec(dllimport) void __stdcall Sleep(unsigned long milliseconds);
#ifdef __cplusplus
}
#endif

/* The errno of a system error that a rename may end with. EBUSY: somebody has one of the files
 * open, which the system also calls "access denied" (5), as it does missing permissions. */
FNNI_COLD static int fnni_os_errno(unsigned long error)
{
    switch (error) {
    case 2: /* no such file */
    case 3: return ENOENT;
    case 5:  /* access denied */
    case 32: /* sharing violation */
    case 33: return EBUSY;
    case 39: /* disk full */
    case 112: return ENOSPC;
    default: return EIO;
    }
}

/* Programs that look at every new file, as virus scanners do, have it open for a moment and are
 * waited for: 1 + 2 + 4 + ... + 512 ms, about a second. The flags: replace, and write through. */
FNNI_COLD static int fnni_os_replace(const char *from, const char *to)
{
    unsigned long wait;
    for (wait = 1; !MoveFileExA(from, to, 1 | 8); wait *= 2) {
        errno = fnni_os_errno(GetLastError());
        if (errno != EBUSY || wait > 512) return -1;
        Sleep(wait);
    }
    return 0;
}

/* As patient; what keeps a file open says EACCES here. */
FNNI_COLD static int fnni_os_remove(const char *path)
{
    unsigned long wait;
    for (wait = 1; remove(path); wait *= 2) {
        if (errno != EACCES || wait > 512) return -1;
        Sleep(wait);
    }
    return 0;
}
#else
/* Puts a file in another's place, in one step: there is always the old one or the new. */
static int fnni_os_replace(const char *from, const char *to)
{
    return rename(from, to);
}

static int fnni_os_remove(const char *path)
{
    return remove(path);
}
#endif

/* What errno says. */
static const char *fnni_os_reason(int code)
{
#if defined(_WIN32)
    if (code == EBUSY) return "not permitted, or another program has the file open";
#endif
    return strerror(code);
}

/* Waits until the disk knows the names in a directory. A directory that may not be read, or whose
 * file system has no such operation, is left to the system. */
static int fnni_os_sync_directory(const char *path)
{
#if defined(_WIN32)
    (void)path;
    return 0;
#else
    int result, code, file = open(path, O_RDONLY);
    if (file < 0) return errno == EACCES ? 0 : -1;
    result = fsync(file);
    code = errno;
    close(file);
    errno = code;
    return result && code != EINVAL ? -1 : 0;
#endif
}

/* A number that no other running process has. */
static long fnni_os_process(void)
{
#if defined(_WIN32)
    return _getpid();
#else
    return (long)getpid();
#endif
}

static int fnni_openmp_threads(void)
{
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

/* SplitMix64's output function (Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", 2014). It stands here since the kernels draw by it as well as >>random. */
FNNI_FORCE_INLINE uint64_t fnni_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* ============================================================================
 * >>kernel-list  every kernel, named once, with its contract
 * ============================================================================
 * The list makes the kernel table's struct and, in each pass, its initialiser. To add a
 * kernel: one line here, one function in >>kernels, one naive twin with a test row
 * (tests/test_kernels.c), one row in bench/kernels.c. Lengths may be 0; nothing is read or
 * written outside the arrays given; arrays need no alignment; y may be x unless said. */

/* What rooms must know of an activation beside its formula: the traits of FNN_ACTIVATION_LIST. */
enum {
    FNNI_IDENTITY = 1,      /* y = x: nothing is left to do in place */
    FNNI_SLOPE_OF_X = 2,    /* its slope is worked out from x; of the others, from y */
    FNNI_HAS_PARAMETER = 4, /* which must be at least 0 for y to tell on which side x was */
    FNNI_KEEPS_ORDER = 8, /* and where it makes inputs equal its slope is 0: it may follow a max */
    FNNI_ROWWISE = 16     /* of a whole row: not for the kernels named activation */
};

typedef struct fnni_activation_type {
    const char *word;
    fnn_real parameter;
    int traits;
} fnni_activation_type;

#define FNNI_ACTIVATION_TYPE(name, word, a, traits) {#word, (fnn_real)(a), traits},
#define FNNI_ROW_TYPE(name, word, a, traits) {#word, (fnn_real)(a), (traits) | FNNI_ROWWISE},
static const fnni_activation_type fnni_activations[] = {
    FNN_ACTIVATION_LIST(FNNI_ACTIVATION_TYPE, FNNI_ROW_TYPE)};

#define FNNI_AS_IT_IS FNN_LINEAR /* the activation of what has none, or has it in a layer behind */

/* Whether an activation, which must be one, has one of these traits. */
static int fnni_activation_has(fnn_activation activation, int traits)
{
    return (fnni_activations[activation].traits & traits) != 0;
}

/* Maps: the activations, which keep their numbers, and others of the kernels' own. */
#define FNNI_MAP_LIST(X, ROW) FNN_ACTIVATION_LIST(X, ROW) X(EXP, exp, 0, 0) X(LOG, log, 0, 0)
#define FNNI_MAP_NUMBER(name, word, a, traits) FNNI_MAP_##word,
enum { FNNI_MAP_LIST(FNNI_MAP_NUMBER, FNNI_MAP_NUMBER) FNNI_MAP_COUNT };
#define FNNI_LEAVE_OUT(name, word, a, traits)

/* The traits of FNN_OPTIMIZER_LIST. */
enum {
    FNNI_START = 1 /* its state starts at fnn_optimizer.start, that of others at 0 */
};

/* A run of tiles of one shape, of a matrix product or a convolution. Row i of A at step p is
 * a[i/3*a_group + i%3*a_row + p*a_step], where a_group is 3*a_row but for rows that lie in threes;
 * a transposed A is one with a_row 1. After k steps A jumps to a_segment behind where the k began,
 * for so many segments: the rows of a kernel in an image. B is b[p*ldb + j], p counting on through
 * all segments, with b_jump between two; C is c[i*ldc + j]. From one tile to the next the three
 * move on by a_next, b_next and c_next. */
typedef struct fnni_tiles {
    ptrdiff_t k, segments, a_segment, b_jump, a_row, a_group, a_step, ldb, ldc;
    ptrdiff_t count, a_next, b_next, c_next;
    const fnn_real *start; /* NULL: sums begin with 0; else with these, one a column */
    fnn_real alpha, beta;  /* beta 0: C is not read */
    int prefetch_c;        /* fetch C shortly before it is due; this and the next are speed alone */
    int prefetch_rows;     /* tiles from the first one that fetch the rows of A below their own */
} fnni_tiles;

/* One step of an optimiser over n weights w with gradient g. First, for all of them,
 *     penalty = l2 w + l1 sign(w)
 *     g' = clamp(gradient_scale g) + penalty         clip_penalty 0: PyTorch, whose optimisers add
 *                                                    weight_decay after clip_grad_norm_/value_
 *     g' = clamp(gradient_scale (g + penalty))       clip_penalty 1: Keras, whose regularisers
 *                                                    are part of the loss, so of the gradient
 * with clamp(x) = max(-clip, min(clip, x)) when clip > 0, and the new weight is
 *     w (1 - rate decay) - update                    decoupled decay (Loshchilov and Hutter 2017):
 *                                                    torch.optim.AdamW; Keras' weight_decay=
 * root(s) is sqrt(s + epsilon) with epsilon_inside, sqrt(s) + epsilon without. Written from
 * keras/src/optimizers of Keras 3, optimizer_v2 of Keras 2 and torch/optim; the presets:
 *                Keras                                            PyTorch
 *   momentum     rate_inside 1                                    rate_inside 0, dampening
 *   Adagrad      s starts at .1; epsilon_inside 1 (Keras 2: 0)    s starts at 0; 0
 *   Adadelta     epsilon 1e-7, rho .95, rate .001                 1e-6, .9, 1
 *   RMSProp      epsilon_inside 1 (Keras 2 without momentum: 0),  0; rate_inside 0; rho is
 *                rate_inside 1                                    called alpha
 *   Adam         epsilon_corrected 0                              epsilon_corrected 1 */
typedef struct fnni_step {
    fnn_real rate, gradient_scale, clip, l2, l1, decay;
    fnn_real momentum, dampening, rho, beta1, beta2, epsilon;
    fnn_real correction1, correction2; /* Adam: 1 - beta1^t and 1 - beta2^t, t = 1, 2, ... */
    int clip_penalty;
    int nesterov;
    int epsilon_inside;
    int rate_inside;       /* the momentum buffer holds rate g rather than g */
    int epsilon_corrected; /* Adam: epsilon is added to sqrt(v / correction2), not to sqrt(v) */
} fnni_step;

/* clang-format off */
#define FNNI_KERNEL_LIST(X) \
    /* c = alpha a b + beta c for count tiles of 1..tile_rows rows and 1..tile_columns columns; \
       each element is one chain of k multiply-adds from p = 0 upwards, whatever the shape. */ \
    X(void, gemm_tiles, \
      (const fnni_tiles *run, int rows, int columns, const fnn_real *a, const fnn_real *b, \
       fnn_real *c)) \
    /* Panels of width columns, one after the other: panel[q*k*width + p*width + j] = \
       x[p*ldx + q*width + j], zero where that is not below columns. */ \
    X(void, pack_rows, \
      (ptrdiff_t k, int columns, int width, const fnn_real *x, ptrdiff_t ldx, fnn_real *panel)) \
    /* panel[p*width + j] = x[j*ldx + p], zero for j in columns..width-1. */ \
    X(void, pack_transposed, \
      (ptrdiff_t k, int columns, int width, const fnn_real *x, ptrdiff_t ldx, fnn_real *panel)) \
    /* y = f(x); kind: an activation that is not FNNI_ROWWISE, or FNNI_MAP_exp, FNNI_MAP_log. */ \
    X(void, activation, \
      (unsigned kind, fnn_real parameter, ptrdiff_t n, const fnn_real *x, fnn_real *y)) \
    /* dx = dy f'(x), from y = f(x) alone or, FNNI_SLOPE_OF_X, from x alone; the other may be NULL.
     * \
       dx may be dy, x or y. */ \
    X(void, activation_backward, \
      (unsigned kind, fnn_real parameter, ptrdiff_t n, const fnn_real *x, const fnn_real *y, \
       const fnn_real *dy, fnn_real *dx)) \
    /* c[i*ldc + j] = f(c[i*ldc + j] + bias[j]), bias NULL: 0. */ \
    X(void, bias_activation, \
      (unsigned kind, fnn_real parameter, ptrdiff_t rows, ptrdiff_t columns, \
       const fnn_real *bias, fnn_real *c, ptrdiff_t ldc)) \
    /* Each row of y is e^(x - m) / sum e^(x - m), m the row's maximum; x and y (rows,columns). */ \
    X(void, softmax, (ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x, fnn_real *y)) \
    /* t = (1 - smoothing) target + smoothing/classes, the target being targets (rows,classes) \
       or, where that is NULL, 1 at labels[i] in 0..classes-1. losses[i] = -sum t log softmax(x); \
       gradient = scale (softmax(x) sum t - t). Either may be NULL; gradient may be x. */ \
    X(void, softmax_cross_entropy, \
      (ptrdiff_t rows, ptrdiff_t classes, const fnn_real *x, const int32_t *labels, \
       const fnn_real *targets, fnn_real smoothing, fnn_real scale, fnn_real *losses, \
       fnn_real *gradient)) \
    /* sum x, sum x y; the order depends on n alone. */ \
    X(fnn_real, sum, (ptrdiff_t n, const fnn_real *x)) \
    X(fnn_real, dot, (ptrdiff_t n, const fnn_real *x, const fnn_real *y)) \
    /* y += a x; x *= a; x = a. */ \
    X(void, add_scaled, (ptrdiff_t n, fnn_real a, const fnn_real *x, fnn_real *y)) \
    X(void, scale, (ptrdiff_t n, fnn_real a, fnn_real *x)) \
    X(void, fill, (ptrdiff_t n, fnn_real a, fnn_real *x)) \
    /* y[j] = sum over i of x[i*ldx + j], i ascending. y may not be x. */ \
    X(void, column_sums, \
      (ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x, ptrdiff_t ldx, fnn_real *y)) \
    /* y[i] = (x[i] - shift[j]) scale[j], j = per_element ? i : 0. */ \
    X(void, from_bytes, \
      (ptrdiff_t n, const uint8_t *x, int per_element, const fnn_real *shift, \
       const fnn_real *scale, fnn_real *y)) \
    X(void, from_reals, \
      (ptrdiff_t n, const fnn_real *x, int per_element, const fnn_real *shift, \
       const fnn_real *scale, fnn_real *y)) \
    /* One step of an optimiser (fnni_step), whose state is s and v, as many as FNN_OPTIMIZER_LIST \
       says, the rest NULL; all arrays of n apart from each other. */ \
    X(void, optimizer_step, \
      (fnn_optimizer_kind kind, ptrdiff_t n, const fnni_step *step, fnn_real *w, \
       const fnn_real *g, \
       fnn_real *s, fnn_real *v)) \
    /* y (out_height,out_width,channels) = the maximum over the part of each window inside of the \
       image x, index (as y, or NULL) = its position kh kernel_width + kw, the first of several; \
       at most 256 positions. With a NaN inside, y is NaN and index that of the last one. Here \
       and in the kernels below with a window every window has a part inside, and no array is \
       another. */ \
    X(void, max_pool, (const fnn_window *w, const fnn_real *x, fnn_real *y, uint8_t *index)) \
    /* dx (as x) = at each element the sum of dy over the windows whose index names it. */ \
    X(void, max_pool_backward, \
      (const fnn_window *w, const uint8_t *index, const fnn_real *dy, fnn_real *dx)) \
    /* y = the sum over the part of each window inside the image / its size, and backwards. */ \
    X(void, average_pool, (const fnn_window *w, const fnn_real *x, fnn_real *y)) \
    X(void, average_pool_backward, (const fnn_window *w, const fnn_real *dy, fnn_real *dx)) \
    /* With d = x[i*ldx + j] - pivot[j]: sums[j] += sum over i of d, squares[j] += sum of d^2. */ \
    X(void, moments, \
      (ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x, ptrdiff_t ldx, const fnn_real *pivot, \
       fnn_real *sums, fnn_real *squares)) \
    /* y = x scale[j] + shift[j], x and y (rows,columns). */ \
    X(void, scale_shift, \
      (ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x, const fnn_real *scale, \
       const fnn_real *shift, fnn_real *y)) \
    /* sums[j] += sum over i of dy, products[j] += sum of dy (x - mean[j]) inv_std[j]; dy and x \
       (rows,columns). */ \
    X(void, norm_sums, \
      (ptrdiff_t rows, ptrdiff_t columns, const fnn_real *dy, const fnn_real *x, \
       const fnn_real *mean, const fnn_real *inv_std, fnn_real *sums, fnn_real *products)) \
    /* dx = a[j] dy + b[j] x + c[j]; dx may be dy or x. */ \
    X(void, norm_backward, \
      (ptrdiff_t rows, ptrdiff_t columns, const fnn_real *dy, const fnn_real *x, \
       const fnn_real *a, const fnn_real *b, const fnn_real *c, fnn_real *dx)) \
    /* Row (i,j) of columns (out_height,out_width,kernel_height,kernel_width,channels) is what \
       window (i,j) sees of x, zero outside; col2im adds it back to where it came from. */ \
    X(void, im2col, (const fnn_window *w, const fnn_real *x, fnn_real *columns)) \
    X(void, col2im, (const fnn_window *w, const fnn_real *columns, fnn_real *dx)) \
    /* y[i] = keep(i) ? x[i] / (1 - rate) : 0, keep(i) a function of key and offset + i that is \
       the same on every instruction set. Applied to dy with the same key it is the backward. */ \
    X(void, dropout, \
      (ptrdiff_t n, uint64_t key, uint64_t offset, fnn_real rate, const fnn_real *x, fnn_real *y))
/* clang-format on */

#define FNNI_KERNEL_FIELD(type, name, parameters) type(*name) parameters;
typedef struct fnni_kernels {
    fnn_isa isa;
    int lanes, tile_rows, tile_columns;
    FNNI_KERNEL_LIST(FNNI_KERNEL_FIELD)
} fnni_kernels;

/* The tests compile the kernels once for many programs: a unit with FNNI_KERNELS_ALONE has them
 * and no room behind them, one with FNNI_KERNELS_APART all but them, one with both the list of
 * their tables. The double library stays whole. */
#if FNNI_REAL_IS_DOUBLE
#undef FNNI_KERNELS_APART
#endif
#if defined(FNNI_KERNELS_ALONE) || defined(FNNI_KERNELS_APART)
#define FNNI_TABLE_EXTERN(name, word, machine) extern const fnni_kernels fnni_kernels_##word;
FNN_ISA_LIST(FNNI_TABLE_EXTERN)
#define FNNI_TABLE_LINKAGE
#else
#define FNNI_TABLE_LINKAGE static
#endif

#define FNNI_PASS /* the header includes itself for a pass, but for the first: compiled in place */
#define FNNI_PASS_SCALAR
#endif /* FMNIST_NN_IMPLEMENTATION */
#endif /* not one of the kernel passes */

/* ============================================================================
 * >>kernels  the room compiled once per instruction set
 * ============================================================================
 * Each kernel stands here once, written over the vector vocabulary. The header includes itself with
 * FNNI_PASS_AVX2 and the like telling the instruction set; the scalar pass is compiled in place and
 * is the readable reference. Never test __AVX2__ and the like here: the target attribute does not
 * define them. Kernels are leaves: no allocation, no threads, no calls out of the room.
 * The room closes behind itself: a call of it by name from below does not compile.
 * To add an instruction set: its row in FNN_ISA_LIST, one vocabulary block, one pass in >>dispatch.
 * To add an activation: its row in FNN_ACTIVATION_LIST, its two formulas here. To add an optimiser:
 * its row in FNN_OPTIMIZER_LIST, its formula here, its constructor.
 *
 * The vocabulary (each name gets the pass's suffix; a, b, c vectors, m mask):
 *   vzero() vset(x)            0, x in every lane
 *   vload(p) vstore(p, a)      p[0..LANES-1]
 *   vmask(n)                   mask of the first n lanes, 0 <= n <= LANES
 *   vload_m(p, m)              p[i] where m, else 0; what m leaves out is not touched
 *   vstore_m(p, m, a)          p[i] = a[i] where m; the rest is not touched
 *   vadd vsub vmul vdiv        a+b a-b a*b a/b
 *   vfma(a, b, c)              a*b + c    (one rounding where the machine has it)
 *   vfnma(a, b, c)             c - a*b
 *   vmin(a, b) vmax(a, b)      a < b ? a : b and a > b ? a : b, so b if either is NaN
 *   vsqrt(a)                   square root, correctly rounded
 *   vgt(a, b) veq(a, b)        masks a > b and a == b, false with NaN
 *   vselect(m, a, b)           m ? a : b
 *   vhsum(a) vhmax(a)          sum and maximum of the lanes, in a fixed order of halves
 *   vfirst(a)                  lane 0
 *   vload_bytes(p) vload_bytes_n(p, n)    LANES bytes as reals; the first n < LANES, else 0
 *   vabove(x, a)               mask x > a or x is NaN, whatever a is
 * over vectors b of LANES bytes:
 *   bset(x) bload(p) bstore(p, b)        as of reals
 *   bload_n(p, n) bstore_n(p, n, b)      the first n <= LANES; the rest 0, or not touched
 *   bselect(m, a, b) beq(a, b)           m ? a : b with a mask of reals; mask a == b
 * and over vectors u of 32-bit unsigned integers, as many lanes (float only: vbits and on):
 *   uset uadd umul uxor        x in every lane, a+b, a*b, a^b
 *   ushr(a, n) uge(a, b)       a >> n, mask a >= b
 *   uiota()                    0, 1, 2, ...
 *   usub uand uor ushl(a, n)   a-b, a&b, a|b, a << n
 *   vbits(a) vfrom_bits(u)     the bits of a as integers, and back
 *   vfrom_int(u)               u as signed integers, converted
 *   vscale(a, n)               a 2^n, rounded once, subnormal results too; n whole, -250..250
 *   vscale_normal(a, n)        the same where a and a 2^n are normal numbers
 */
#if defined(FNNI_PASS) && !defined(FNNI_KERNELS_APART)

#define FNNI_KERNEL FNNI_TARGET static
#define FNNI_INLINE FNNI_TARGET FNNI_FORCE_INLINE
#define FNNI_APART FNNI_TARGET FNNI_NOINLINE static /* called from several places, there once */

/* clang-format off */
/* ---- vocabulary: scalar, one lane ---- */
#ifdef FNNI_PASS_SCALAR
#define FNNI_NAME(name) fnni_##name##_scalar
#define FNNI_ISA FNN_ISA_SCALAR
#define FNNI_TARGET
#define FNNI_LANES 1
#define FNNI_LANE_LIST(X) X(0)
#define FNNI_TILE_VECTORS 4
#define FNNI_TILE_ROWS(X) X(0) X(1) X(2) X(3)
typedef fnn_real fnni_v;
typedef int fnni_m;
FNNI_INLINE fnni_v fnni_vzero(void) { return 0; }
FNNI_INLINE fnni_v fnni_vset(fnn_real x) { return x; }
FNNI_INLINE fnni_v fnni_vload(const fnn_real *p) { return *p; }
FNNI_INLINE void fnni_vstore(fnn_real *p, fnni_v a) { *p = a; }
FNNI_INLINE fnni_m fnni_vmask(ptrdiff_t n) { return n > 0; }
FNNI_INLINE fnni_v fnni_vload_m(const fnn_real *p, fnni_m m) { return m ? *p : 0; }
FNNI_INLINE void fnni_vstore_m(fnn_real *p, fnni_m m, fnni_v a) { if (m) *p = a; }
FNNI_INLINE fnni_v fnni_vadd(fnni_v a, fnni_v b) { return a + b; }
FNNI_INLINE fnni_v fnni_vsub(fnni_v a, fnni_v b) { return a - b; }
FNNI_INLINE fnni_v fnni_vmul(fnni_v a, fnni_v b) { return a * b; }
FNNI_INLINE fnni_v fnni_vdiv(fnni_v a, fnni_v b) { return a / b; }
FNNI_INLINE fnni_v fnni_vfma(fnni_v a, fnni_v b, fnni_v c) { return a * b + c; }
FNNI_INLINE fnni_v fnni_vfnma(fnni_v a, fnni_v b, fnni_v c) { return c - a * b; }
FNNI_INLINE fnni_v fnni_vmin(fnni_v a, fnni_v b) { return a < b ? a : b; }
FNNI_INLINE fnni_v fnni_vmax(fnni_v a, fnni_v b) { return a > b ? a : b; }
#if FNNI_REAL_IS_DOUBLE
FNNI_INLINE fnni_v fnni_vsqrt(fnni_v a) { return sqrt(a); }
#else
FNNI_INLINE fnni_v fnni_vsqrt(fnni_v a) { return sqrtf(a); }
#endif
FNNI_INLINE fnni_m fnni_vgt(fnni_v a, fnni_v b) { return a > b; }
FNNI_INLINE fnni_m fnni_veq(fnni_v a, fnni_v b) { return a == b; }
FNNI_INLINE fnni_v fnni_vselect(fnni_m m, fnni_v a, fnni_v b) { return m ? a : b; }
FNNI_INLINE fnn_real fnni_vhsum(fnni_v a) { return a; }
FNNI_INLINE fnn_real fnni_vhmax(fnni_v a) { return a; }
FNNI_INLINE fnn_real fnni_vfirst(fnni_v a) { return a; }
FNNI_INLINE fnni_v fnni_vload_bytes(const uint8_t *p) { return (fnni_v)*p; }
FNNI_INLINE fnni_v fnni_vload_bytes_n(const uint8_t *p, ptrdiff_t n)
{
    return n > 0 ? (fnni_v)*p : 0;
}
FNNI_INLINE fnni_m fnni_vabove(fnni_v x, fnni_v a) { return x > a || x != x; }
typedef uint8_t fnni_b;
FNNI_INLINE fnni_b fnni_bset(unsigned x) { return (uint8_t)x; }
FNNI_INLINE fnni_b fnni_bload(const uint8_t *p) { return *p; }
FNNI_INLINE fnni_b fnni_bload_n(const uint8_t *p, ptrdiff_t n) { return (uint8_t)(n > 0 ? *p : 0); }
FNNI_INLINE void fnni_bstore(uint8_t *p, fnni_b b) { *p = b; }
FNNI_INLINE void fnni_bstore_n(uint8_t *p, ptrdiff_t n, fnni_b b) { if (n > 0) *p = b; }
FNNI_INLINE fnni_b fnni_bselect(fnni_m m, fnni_b a, fnni_b b) { return m ? a : b; }
FNNI_INLINE fnni_m fnni_beq(fnni_b a, fnni_b b) { return a == b; }
typedef uint32_t fnni_u;
FNNI_INLINE fnni_u fnni_uset(uint32_t x) { return x; }
FNNI_INLINE fnni_u fnni_uiota(void) { return 0; }
FNNI_INLINE fnni_u fnni_uadd(fnni_u a, fnni_u b) { return a + b; }
FNNI_INLINE fnni_u fnni_umul(fnni_u a, fnni_u b) { return a * b; }
FNNI_INLINE fnni_u fnni_uxor(fnni_u a, fnni_u b) { return a ^ b; }
FNNI_INLINE fnni_u fnni_ushr(fnni_u a, int n) { return a >> n; }
FNNI_INLINE fnni_m fnni_uge(fnni_u a, fnni_u b) { return a >= b; }
#if !FNNI_REAL_IS_DOUBLE
FNNI_INLINE fnni_u fnni_usub(fnni_u a, fnni_u b) { return a - b; }
FNNI_INLINE fnni_u fnni_uand(fnni_u a, fnni_u b) { return a & b; }
FNNI_INLINE fnni_u fnni_uor(fnni_u a, fnni_u b) { return a | b; }
FNNI_INLINE fnni_u fnni_ushl(fnni_u a, int n) { return a << n; }
FNNI_INLINE fnni_u fnni_vbits(fnni_v a) { fnni_u u; memcpy(&u, &a, sizeof u); return u; }
FNNI_INLINE fnni_v fnni_vfrom_bits(fnni_u u) { fnni_v a; memcpy(&a, &u, sizeof a); return a; }
FNNI_INLINE fnni_v fnni_vfrom_int(fnni_u u) { return (fnni_v)(int32_t)u; }
#endif
FNNI_INLINE void fnni_vtranspose(fnni_v *x) { (void)x; }
#endif

/* ---- vocabulary: AVX2 + FMA, eight lanes ---- */
#ifdef FNNI_PASS_AVX2
#define FNNI_NAME(name) fnni_##name##_avx2
#define FNNI_ISA FNN_ISA_AVX2
#define FNNI_TARGET FNNI_FOR("avx2,fma")
#define FNNI_LANES 8
#define FNNI_LANE_LIST(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define FNNI_TILE_VECTORS 2
#define FNNI_TILE_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5)
typedef __m256 fnni_v;
typedef __m256 fnni_m;
FNNI_INLINE fnni_v fnni_vzero(void) { return _mm256_setzero_ps(); }
FNNI_INLINE fnni_v fnni_vset(float x) { return _mm256_set1_ps(x); }
FNNI_INLINE fnni_v fnni_vload(const float *p) { return _mm256_loadu_ps(p); }
FNNI_INLINE void fnni_vstore(float *p, fnni_v a) { _mm256_storeu_ps(p, a); }
FNNI_INLINE fnni_m fnni_vmask(ptrdiff_t n)
{
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32((int)n),
                                                  _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
}
FNNI_INLINE fnni_v fnni_vload_m(const float *p, fnni_m m)
{
    return _mm256_maskload_ps(p, _mm256_castps_si256(m));
}
FNNI_INLINE void fnni_vstore_m(float *p, fnni_m m, fnni_v a)
{
    _mm256_maskstore_ps(p, _mm256_castps_si256(m), a);
}
FNNI_INLINE fnni_v fnni_vadd(fnni_v a, fnni_v b) { return _mm256_add_ps(a, b); }
FNNI_INLINE fnni_v fnni_vsub(fnni_v a, fnni_v b) { return _mm256_sub_ps(a, b); }
FNNI_INLINE fnni_v fnni_vmul(fnni_v a, fnni_v b) { return _mm256_mul_ps(a, b); }
FNNI_INLINE fnni_v fnni_vdiv(fnni_v a, fnni_v b) { return _mm256_div_ps(a, b); }
FNNI_INLINE fnni_v fnni_vfma(fnni_v a, fnni_v b, fnni_v c) { return _mm256_fmadd_ps(a, b, c); }
FNNI_INLINE fnni_v fnni_vfnma(fnni_v a, fnni_v b, fnni_v c) { return _mm256_fnmadd_ps(a, b, c); }
FNNI_INLINE fnni_v fnni_vmin(fnni_v a, fnni_v b) { return _mm256_min_ps(a, b); }
FNNI_INLINE fnni_v fnni_vmax(fnni_v a, fnni_v b) { return _mm256_max_ps(a, b); }
FNNI_INLINE fnni_v fnni_vsqrt(fnni_v a) { return _mm256_sqrt_ps(a); }
FNNI_INLINE fnni_m fnni_vgt(fnni_v a, fnni_v b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
FNNI_INLINE fnni_m fnni_veq(fnni_v a, fnni_v b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
FNNI_INLINE fnni_v fnni_vselect(fnni_m m, fnni_v a, fnni_v b) { return _mm256_blendv_ps(b, a, m); }
FNNI_INLINE float fnni_vhsum(fnni_v a)
{
    __m128 h = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    h = _mm_add_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_add_ss(h, _mm_shuffle_ps(h, h, 1)));
}
FNNI_INLINE float fnni_vhmax(fnni_v a)
{
    __m128 h = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    h = _mm_max_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_max_ss(h, _mm_shuffle_ps(h, h, 1)));
}
FNNI_INLINE float fnni_vfirst(fnni_v a) { return _mm_cvtss_f32(_mm256_castps256_ps128(a)); }
FNNI_INLINE fnni_v fnni_vload_bytes(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(
        _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}
FNNI_INLINE fnni_v fnni_vload_bytes_n(const uint8_t *p, ptrdiff_t n)
{
    uint64_t bytes = 0; /* AVX2 has no masked load of bytes */
    while (n-- > 0) bytes = bytes << 8 | p[n];
    return fnni_vload_bytes((const uint8_t *)&bytes);
}
/* min gives its second operand, infinity, for a NaN in a: then only a NaN in x is not <= it. */
FNNI_INLINE fnni_m fnni_vabove(fnni_v x, fnni_v a)
{
    return _mm256_cmp_ps(x, _mm256_min_ps(a, fnni_vset(INFINITY)), _CMP_NLE_UQ);
}
typedef __m256i fnni_b; /* a byte in each 32-bit lane, beside the real that it belongs to */
FNNI_INLINE fnni_b fnni_bset(unsigned x) { return _mm256_set1_epi32((int)x); }
FNNI_INLINE fnni_b fnni_bload(const uint8_t *p)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}
FNNI_INLINE fnni_b fnni_bload_n(const uint8_t *p, ptrdiff_t n)
{
    uint64_t bytes = 0; /* AVX2 has no masked load of bytes */
    while (n-- > 0) bytes = bytes << 8 | p[n];
    return fnni_bload((const uint8_t *)&bytes);
}
FNNI_INLINE void fnni_bstore(uint8_t *p, fnni_b b)
{
    const __m256i fours = _mm256_shuffle_epi8(b, _mm256_set1_epi32(0x0c080400));
    const __m128i low = _mm256_castsi256_si128(fours), high = _mm256_extracti128_si256(fours, 1);
    _mm_storel_epi64((__m128i *)(void *)p, _mm_unpacklo_epi32(low, high));
}
FNNI_INLINE void fnni_bstore_n(uint8_t *p, ptrdiff_t n, fnni_b b)
{
    uint8_t bytes[8];
    fnni_bstore(bytes, b);
    while (n-- > 0) p[n] = bytes[n];
}
FNNI_INLINE fnni_b fnni_bselect(fnni_m m, fnni_b a, fnni_b b)
{
    return _mm256_blendv_epi8(b, a, _mm256_castps_si256(m));
}
FNNI_INLINE fnni_m fnni_beq(fnni_b a, fnni_b b)
{
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b));
}
typedef __m256i fnni_u;
FNNI_INLINE fnni_u fnni_uset(uint32_t x) { return _mm256_set1_epi32((int)x); }
FNNI_INLINE fnni_u fnni_uiota(void) { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
FNNI_INLINE fnni_u fnni_uadd(fnni_u a, fnni_u b) { return _mm256_add_epi32(a, b); }
FNNI_INLINE fnni_u fnni_umul(fnni_u a, fnni_u b) { return _mm256_mullo_epi32(a, b); }
FNNI_INLINE fnni_u fnni_uxor(fnni_u a, fnni_u b) { return _mm256_xor_si256(a, b); }
FNNI_INLINE fnni_u fnni_ushr(fnni_u a, int n) { return _mm256_srli_epi32(a, n); }
FNNI_INLINE fnni_m fnni_uge(fnni_u a, fnni_u b)
{
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_max_epu32(a, b), a));
}
FNNI_INLINE fnni_u fnni_usub(fnni_u a, fnni_u b) { return _mm256_sub_epi32(a, b); }
FNNI_INLINE fnni_u fnni_uand(fnni_u a, fnni_u b) { return _mm256_and_si256(a, b); }
FNNI_INLINE fnni_u fnni_uor(fnni_u a, fnni_u b) { return _mm256_or_si256(a, b); }
FNNI_INLINE fnni_u fnni_ushl(fnni_u a, int n) { return _mm256_slli_epi32(a, n); }
FNNI_INLINE fnni_u fnni_vbits(fnni_v a) { return _mm256_castps_si256(a); }
FNNI_INLINE fnni_v fnni_vfrom_bits(fnni_u u) { return _mm256_castsi256_ps(u); }
FNNI_INLINE fnni_v fnni_vfrom_int(fnni_u u) { return _mm256_cvtepi32_ps(u); }
/* Four rows within each half, then the halves. */
FNNI_INLINE void fnni_vtranspose_fours(fnni_v *a, fnni_v *b, fnni_v *c, fnni_v *d)
{
    const fnni_v ab = _mm256_unpacklo_ps(*a, *b), cd = _mm256_unpacklo_ps(*c, *d);
    const fnni_v AB = _mm256_unpackhi_ps(*a, *b), CD = _mm256_unpackhi_ps(*c, *d);
    *a = _mm256_shuffle_ps(ab, cd, 0x44);
    *b = _mm256_shuffle_ps(ab, cd, 0xee);
    *c = _mm256_shuffle_ps(AB, CD, 0x44);
    *d = _mm256_shuffle_ps(AB, CD, 0xee);
}
FNNI_INLINE void fnni_vtranspose_halves(fnni_v *a, fnni_v *b)
{
    const fnni_v low = _mm256_permute2f128_ps(*a, *b, 0x20);
    *b = _mm256_permute2f128_ps(*a, *b, 0x31);
    *a = low;
}
FNNI_INLINE void fnni_vtranspose(fnni_v *x)
{
    fnni_vtranspose_fours(x, x + 1, x + 2, x + 3);
    fnni_vtranspose_fours(x + 4, x + 5, x + 6, x + 7);
    fnni_vtranspose_halves(x, x + 4);
    fnni_vtranspose_halves(x + 1, x + 5);
    fnni_vtranspose_halves(x + 2, x + 6);
    fnni_vtranspose_halves(x + 3, x + 7);
}
#endif

/* ---- vocabulary: AVX-512, sixteen lanes ---- */
#ifdef FNNI_PASS_AVX512
#define FNNI_NAME(name) fnni_##name##_avx512
#define FNNI_ISA FNN_ISA_AVX512
#define FNNI_TARGET FNNI_FOR("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#define FNNI_LANES 16
#define FNNI_LANE_LIST(X) \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define FNNI_TILE_VECTORS 2
#define FNNI_TILE_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13)
typedef __m512 fnni_v;
typedef __mmask16 fnni_m;
FNNI_INLINE fnni_v fnni_vzero(void) { return _mm512_setzero_ps(); }
FNNI_INLINE fnni_v fnni_vset(float x) { return _mm512_set1_ps(x); }
FNNI_INLINE fnni_v fnni_vload(const float *p) { return _mm512_loadu_ps(p); }
FNNI_INLINE void fnni_vstore(float *p, fnni_v a) { _mm512_storeu_ps(p, a); }
FNNI_INLINE fnni_m fnni_vmask(ptrdiff_t n) { return (fnni_m)((1u << n) - 1u); }
FNNI_INLINE fnni_v fnni_vload_m(const float *p, fnni_m m) { return _mm512_maskz_loadu_ps(m, p); }
FNNI_INLINE void fnni_vstore_m(float *p, fnni_m m, fnni_v a) { _mm512_mask_storeu_ps(p, m, a); }
FNNI_INLINE fnni_v fnni_vadd(fnni_v a, fnni_v b) { return _mm512_add_ps(a, b); }
FNNI_INLINE fnni_v fnni_vsub(fnni_v a, fnni_v b) { return _mm512_sub_ps(a, b); }
FNNI_INLINE fnni_v fnni_vmul(fnni_v a, fnni_v b) { return _mm512_mul_ps(a, b); }
FNNI_INLINE fnni_v fnni_vdiv(fnni_v a, fnni_v b) { return _mm512_div_ps(a, b); }
FNNI_INLINE fnni_v fnni_vfma(fnni_v a, fnni_v b, fnni_v c) { return _mm512_fmadd_ps(a, b, c); }
FNNI_INLINE fnni_v fnni_vfnma(fnni_v a, fnni_v b, fnni_v c) { return _mm512_fnmadd_ps(a, b, c); }
FNNI_INLINE fnni_v fnni_vmin(fnni_v a, fnni_v b) { return _mm512_maskz_min_ps(0xffff, a, b); }
FNNI_INLINE fnni_v fnni_vmax(fnni_v a, fnni_v b) { return _mm512_maskz_max_ps(0xffff, a, b); }
FNNI_INLINE fnni_v fnni_vsqrt(fnni_v a) { return _mm512_maskz_sqrt_ps(0xffff, a); }
FNNI_INLINE fnni_m fnni_vgt(fnni_v a, fnni_v b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
FNNI_INLINE fnni_m fnni_veq(fnni_v a, fnni_v b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
FNNI_INLINE fnni_v fnni_vselect(fnni_m m, fnni_v a, fnni_v b)
{
    return _mm512_mask_blend_ps(m, b, a);
}
FNNI_INLINE float fnni_vhsum(fnni_v a)
{
    const __m256 o = _mm256_add_ps(_mm512_maskz_extractf32x8_ps(0xff, a, 0),
                                   _mm512_maskz_extractf32x8_ps(0xff, a, 1));
    __m128 h = _mm_add_ps(_mm256_castps256_ps128(o), _mm256_extractf128_ps(o, 1));
    h = _mm_add_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_add_ss(h, _mm_shuffle_ps(h, h, 1)));
}
FNNI_INLINE float fnni_vhmax(fnni_v a)
{
    const __m256 o = _mm256_max_ps(_mm512_maskz_extractf32x8_ps(0xff, a, 0),
                                   _mm512_maskz_extractf32x8_ps(0xff, a, 1));
    __m128 h = _mm_max_ps(_mm256_castps256_ps128(o), _mm256_extractf128_ps(o, 1));
    h = _mm_max_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_max_ss(h, _mm_shuffle_ps(h, h, 1)));
}
FNNI_INLINE float fnni_vfirst(fnni_v a) { return _mm512_cvtss_f32(a); }
FNNI_INLINE fnni_v fnni_vload_bytes(const uint8_t *p)
{
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    return _mm512_maskz_cvtepi32_ps(0xffff, _mm512_maskz_cvtepu8_epi32(0xffff, bytes));
}
FNNI_INLINE fnni_v fnni_vload_bytes_n(const uint8_t *p, ptrdiff_t n)
{
    const __m128i bytes = _mm_maskz_loadu_epi8(fnni_vmask(n), p);
    return _mm512_maskz_cvtepi32_ps(0xffff, _mm512_maskz_cvtepu8_epi32(0xffff, bytes));
}
/* min gives its second operand, infinity, for a NaN in a: then only a NaN in x is not <= it. */
FNNI_INLINE fnni_m fnni_vabove(fnni_v x, fnni_v a)
{
    return _mm512_cmp_ps_mask(x, fnni_vmin(a, fnni_vset(INFINITY)), _CMP_NLE_UQ);
}
typedef __m128i fnni_b; /* a mask of sixteen reals selects sixteen bytes as well */
FNNI_INLINE fnni_b fnni_bset(unsigned x) { return _mm_set1_epi8((char)x); }
FNNI_INLINE fnni_b fnni_bload(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}
FNNI_INLINE fnni_b fnni_bload_n(const uint8_t *p, ptrdiff_t n)
{
    return _mm_maskz_loadu_epi8(fnni_vmask(n), p);
}
FNNI_INLINE void fnni_bstore(uint8_t *p, fnni_b b) { _mm_storeu_si128((__m128i *)(void *)p, b); }
FNNI_INLINE void fnni_bstore_n(uint8_t *p, ptrdiff_t n, fnni_b b)
{
    _mm_mask_storeu_epi8(p, fnni_vmask(n), b);
}
FNNI_INLINE fnni_b fnni_bselect(fnni_m m, fnni_b a, fnni_b b)
{
    return _mm_mask_blend_epi8(m, b, a);
}
FNNI_INLINE fnni_m fnni_beq(fnni_b a, fnni_b b) { return _mm_cmpeq_epi8_mask(a, b); }
typedef __m512i fnni_u;
FNNI_INLINE fnni_u fnni_uset(uint32_t x) { return _mm512_set1_epi32((int)x); }
FNNI_INLINE fnni_u fnni_uiota(void)
{
    return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
FNNI_INLINE fnni_u fnni_uadd(fnni_u a, fnni_u b) { return _mm512_add_epi32(a, b); }
FNNI_INLINE fnni_u fnni_umul(fnni_u a, fnni_u b) { return _mm512_mullo_epi32(a, b); }
FNNI_INLINE fnni_u fnni_uxor(fnni_u a, fnni_u b) { return _mm512_xor_si512(a, b); }
FNNI_INLINE fnni_u fnni_ushr(fnni_u a, int n)
{
    return _mm512_maskz_srlv_epi32(0xffff, a, fnni_uset((uint32_t)n));
}
FNNI_INLINE fnni_m fnni_uge(fnni_u a, fnni_u b) { return _mm512_cmpge_epu32_mask(a, b); }
FNNI_INLINE fnni_u fnni_usub(fnni_u a, fnni_u b) { return _mm512_sub_epi32(a, b); }
FNNI_INLINE fnni_u fnni_uand(fnni_u a, fnni_u b) { return _mm512_and_si512(a, b); }
FNNI_INLINE fnni_u fnni_uor(fnni_u a, fnni_u b) { return _mm512_or_si512(a, b); }
FNNI_INLINE fnni_u fnni_ushl(fnni_u a, int n)
{
    return _mm512_maskz_sllv_epi32(0xffff, a, fnni_uset((uint32_t)n));
}
FNNI_INLINE fnni_u fnni_vbits(fnni_v a) { return _mm512_castps_si512(a); }
FNNI_INLINE fnni_v fnni_vfrom_bits(fnni_u u) { return _mm512_castsi512_ps(u); }
FNNI_INLINE fnni_v fnni_vfrom_int(fnni_u u) { return _mm512_maskz_cvtepi32_ps(0xffff, u); }
/* Four rows within each quarter of a register, then the quarters. The maskz forms with all lanes
 * on are the plain instructions: the unmasked intrinsics make g++ 12 warn (-Wmaybe-uninitialized)
 * about a variable in its own header. */
FNNI_INLINE void fnni_vtranspose_fours(fnni_v *a, fnni_v *b, fnni_v *c, fnni_v *d)
{
    const fnni_v ab = _mm512_maskz_unpacklo_ps(0xffff, *a, *b),
                 cd = _mm512_maskz_unpacklo_ps(0xffff, *c, *d);
    const fnni_v AB = _mm512_maskz_unpackhi_ps(0xffff, *a, *b),
                 CD = _mm512_maskz_unpackhi_ps(0xffff, *c, *d);
    *a = _mm512_maskz_shuffle_ps(0xffff, ab, cd, 0x44);
    *b = _mm512_maskz_shuffle_ps(0xffff, ab, cd, 0xee);
    *c = _mm512_maskz_shuffle_ps(0xffff, AB, CD, 0x44);
    *d = _mm512_maskz_shuffle_ps(0xffff, AB, CD, 0xee);
}
FNNI_INLINE void fnni_vtranspose_quarters(fnni_v *a, fnni_v *b, fnni_v *c, fnni_v *d)
{
    const fnni_v ab = _mm512_maskz_shuffle_f32x4(0xffff, *a, *b, 0x44),
                 cd = _mm512_maskz_shuffle_f32x4(0xffff, *c, *d, 0x44);
    const fnni_v AB = _mm512_maskz_shuffle_f32x4(0xffff, *a, *b, 0xee),
                 CD = _mm512_maskz_shuffle_f32x4(0xffff, *c, *d, 0xee);
    *a = _mm512_maskz_shuffle_f32x4(0xffff, ab, cd, 0x88);
    *b = _mm512_maskz_shuffle_f32x4(0xffff, ab, cd, 0xdd);
    *c = _mm512_maskz_shuffle_f32x4(0xffff, AB, CD, 0x88);
    *d = _mm512_maskz_shuffle_f32x4(0xffff, AB, CD, 0xdd);
}
FNNI_INLINE void fnni_vtranspose(fnni_v *x)
{
    fnni_vtranspose_fours(x, x + 1, x + 2, x + 3);
    fnni_vtranspose_fours(x + 4, x + 5, x + 6, x + 7);
    fnni_vtranspose_fours(x + 8, x + 9, x + 10, x + 11);
    fnni_vtranspose_fours(x + 12, x + 13, x + 14, x + 15);
    fnni_vtranspose_quarters(x, x + 4, x + 8, x + 12);
    fnni_vtranspose_quarters(x + 1, x + 5, x + 9, x + 13);
    fnni_vtranspose_quarters(x + 2, x + 6, x + 10, x + 14);
    fnni_vtranspose_quarters(x + 3, x + 7, x + 11, x + 15);
}
#endif

/* ---- vocabulary: NEON, four lanes ---- */
#ifdef FNNI_PASS_NEON
#define FNNI_NAME(name) fnni_##name##_neon
#define FNNI_ISA FNN_ISA_NEON
#define FNNI_TARGET
#define FNNI_LANES 4
#define FNNI_LANE_LIST(X) X(0) X(1) X(2) X(3)
#define FNNI_TILE_VECTORS 3
#define FNNI_TILE_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
typedef float32x4_t fnni_v;
typedef uint32x4_t fnni_m;
FNNI_INLINE fnni_v fnni_vzero(void) { return vdupq_n_f32(0); }
FNNI_INLINE fnni_v fnni_vset(float x) { return vdupq_n_f32(x); }
FNNI_INLINE fnni_v fnni_vload(const float *p) { return vld1q_f32(p); }
FNNI_INLINE void fnni_vstore(float *p, fnni_v a) { vst1q_f32(p, a); }
FNNI_INLINE fnni_m fnni_vmask(ptrdiff_t n)
{
    const int32_t lane[4] = {0, 1, 2, 3};
    return vcgtq_s32(vdupq_n_s32((int)n), vld1q_s32(lane));
}
FNNI_INLINE fnni_v fnni_vload_m(const float *p, fnni_m m)
{
    fnni_v a = vdupq_n_f32(0); /* NEON has no masked load: one lane at a time */
    if (vgetq_lane_u32(m, 0)) a = vld1q_lane_f32(p, a, 0);
    if (vgetq_lane_u32(m, 1)) a = vld1q_lane_f32(p + 1, a, 1);
    if (vgetq_lane_u32(m, 2)) a = vld1q_lane_f32(p + 2, a, 2);
    if (vgetq_lane_u32(m, 3)) a = vld1q_lane_f32(p + 3, a, 3);
    return a;
}
FNNI_INLINE void fnni_vstore_m(float *p, fnni_m m, fnni_v a)
{
    if (vgetq_lane_u32(m, 0)) vst1q_lane_f32(p, a, 0);
    if (vgetq_lane_u32(m, 1)) vst1q_lane_f32(p + 1, a, 1);
    if (vgetq_lane_u32(m, 2)) vst1q_lane_f32(p + 2, a, 2);
    if (vgetq_lane_u32(m, 3)) vst1q_lane_f32(p + 3, a, 3);
}
FNNI_INLINE fnni_v fnni_vadd(fnni_v a, fnni_v b) { return vaddq_f32(a, b); }
FNNI_INLINE fnni_v fnni_vsub(fnni_v a, fnni_v b) { return vsubq_f32(a, b); }
FNNI_INLINE fnni_v fnni_vmul(fnni_v a, fnni_v b) { return vmulq_f32(a, b); }
FNNI_INLINE fnni_v fnni_vdiv(fnni_v a, fnni_v b) { return vdivq_f32(a, b); }
FNNI_INLINE fnni_v fnni_vfma(fnni_v a, fnni_v b, fnni_v c) { return vfmaq_f32(c, a, b); }
FNNI_INLINE fnni_v fnni_vfnma(fnni_v a, fnni_v b, fnni_v c) { return vfmsq_f32(c, a, b); }
FNNI_INLINE fnni_v fnni_vmin(fnni_v a, fnni_v b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
FNNI_INLINE fnni_v fnni_vmax(fnni_v a, fnni_v b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
FNNI_INLINE fnni_v fnni_vsqrt(fnni_v a) { return vsqrtq_f32(a); }
FNNI_INLINE fnni_m fnni_vgt(fnni_v a, fnni_v b) { return vcgtq_f32(a, b); }
FNNI_INLINE fnni_m fnni_veq(fnni_v a, fnni_v b) { return vceqq_f32(a, b); }
FNNI_INLINE fnni_v fnni_vselect(fnni_m m, fnni_v a, fnni_v b) { return vbslq_f32(m, a, b); }
FNNI_INLINE float fnni_vhsum(fnni_v a)
{
    const float32x2_t h = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(h, 0) + vget_lane_f32(h, 1);
}
FNNI_INLINE float fnni_vhmax(fnni_v a)
{
    const float32x2_t h = vmax_f32(vget_low_f32(a), vget_high_f32(a));
    const float x = vget_lane_f32(h, 0), y = vget_lane_f32(h, 1);
    return x > y ? x : y;
}
FNNI_INLINE float fnni_vfirst(fnni_v a) { return vgetq_lane_f32(a, 0); }
FNNI_INLINE fnni_v fnni_vload_bytes(const uint8_t *p)
{
    uint32_t bytes; /* four; NEON's own loads of bytes take eight */
    memcpy(&bytes, p, sizeof bytes);
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(bytes)))));
}
FNNI_INLINE fnni_v fnni_vload_bytes_n(const uint8_t *p, ptrdiff_t n)
{
    uint32_t bytes = 0;
    while (n-- > 0) bytes = bytes << 8 | p[n];
    return fnni_vload_bytes((const uint8_t *)&bytes);
}
FNNI_INLINE fnni_m fnni_vabove(fnni_v x, fnni_v a)
{
    return vorrq_u32(vcgtq_f32(x, a), vmvnq_u32(vceqq_f32(x, x)));
}
typedef uint32x4_t fnni_b; /* a byte in each 32-bit lane, beside the real that it belongs to */
FNNI_INLINE fnni_b fnni_bset(unsigned x) { return vdupq_n_u32(x); }
FNNI_INLINE fnni_b fnni_bload(const uint8_t *p)
{
    uint32_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    return vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(bytes))));
}
FNNI_INLINE fnni_b fnni_bload_n(const uint8_t *p, ptrdiff_t n)
{
    uint32_t bytes = 0;
    while (n-- > 0) bytes = bytes << 8 | p[n];
    return fnni_bload((const uint8_t *)&bytes);
}
FNNI_INLINE void fnni_bstore(uint8_t *p, fnni_b b)
{
    const uint16x4_t halves = vmovn_u32(b);
    const uint8x8_t bytes = vmovn_u16(vcombine_u16(halves, halves));
    const uint32_t four = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
    memcpy(p, &four, sizeof four);
}
FNNI_INLINE void fnni_bstore_n(uint8_t *p, ptrdiff_t n, fnni_b b)
{
    uint8_t bytes[4];
    fnni_bstore(bytes, b);
    while (n-- > 0) p[n] = bytes[n];
}
FNNI_INLINE fnni_b fnni_bselect(fnni_m m, fnni_b a, fnni_b b) { return vbslq_u32(m, a, b); }
FNNI_INLINE fnni_m fnni_beq(fnni_b a, fnni_b b) { return vceqq_u32(a, b); }
typedef uint32x4_t fnni_u;
FNNI_INLINE fnni_u fnni_uset(uint32_t x) { return vdupq_n_u32(x); }
FNNI_INLINE fnni_u fnni_uiota(void)
{
    const uint32_t lane[4] = {0, 1, 2, 3};
    return vld1q_u32(lane);
}
FNNI_INLINE fnni_u fnni_uadd(fnni_u a, fnni_u b) { return vaddq_u32(a, b); }
FNNI_INLINE fnni_u fnni_umul(fnni_u a, fnni_u b) { return vmulq_u32(a, b); }
FNNI_INLINE fnni_u fnni_uxor(fnni_u a, fnni_u b) { return veorq_u32(a, b); }
FNNI_INLINE fnni_u fnni_ushr(fnni_u a, int n) { return vshlq_u32(a, vdupq_n_s32(-n)); }
FNNI_INLINE fnni_m fnni_uge(fnni_u a, fnni_u b) { return vcgeq_u32(a, b); }
FNNI_INLINE fnni_u fnni_usub(fnni_u a, fnni_u b) { return vsubq_u32(a, b); }
FNNI_INLINE fnni_u fnni_uand(fnni_u a, fnni_u b) { return vandq_u32(a, b); }
FNNI_INLINE fnni_u fnni_uor(fnni_u a, fnni_u b) { return vorrq_u32(a, b); }
FNNI_INLINE fnni_u fnni_ushl(fnni_u a, int n) { return vshlq_u32(a, vdupq_n_s32(n)); }
FNNI_INLINE fnni_u fnni_vbits(fnni_v a) { return vreinterpretq_u32_f32(a); }
FNNI_INLINE fnni_v fnni_vfrom_bits(fnni_u u) { return vreinterpretq_f32_u32(u); }
FNNI_INLINE fnni_v fnni_vfrom_int(fnni_u u) { return vcvtq_f32_s32(vreinterpretq_s32_u32(u)); }
FNNI_INLINE void fnni_vtranspose(fnni_v *x)
{
    const float32x4x2_t a = vtrnq_f32(x[0], x[1]), b = vtrnq_f32(x[2], x[3]);
    x[0] = vcombine_f32(vget_low_f32(a.val[0]), vget_low_f32(b.val[0]));
    x[1] = vcombine_f32(vget_low_f32(a.val[1]), vget_low_f32(b.val[1]));
    x[2] = vcombine_f32(vget_high_f32(a.val[0]), vget_high_f32(b.val[0]));
    x[3] = vcombine_f32(vget_high_f32(a.val[1]), vget_high_f32(b.val[1]));
}
#endif

/* ---- the GEMM tile ---- */
/* The accumulators are named variables, so that any compiler keeps them in registers; each
 * row's statements stand once below and FNNI_TILE_ROWS repeats them. rows, vectors and masked
 * are constants wherever this is called, so what they rule out vanishes. All integer registers are
 * taken as well, and which of them gcc 12 keeps in memory changes with the order of a statement:
 * `sgemm 78400x32x9` of the bench, whose sums are short, shows it first (5 to 10 %). */
#define FNNI_TILE_DECLARE(i) fnni_v c##i##_0 = b0, c##i##_1 = b1, c##i##_2 = b2, c##i##_3 = b3;
#define FNNI_TILE_MULTIPLY(i) \
    if (rows > i) { \
        const fnni_v x = fnni_vset(fnni_row_##i); \
        c##i##_0 = fnni_vfma(x, b0, c##i##_0); \
        if (vectors > 1) c##i##_1 = fnni_vfma(x, b1, c##i##_1); \
        if (vectors > 2) c##i##_2 = fnni_vfma(x, b2, c##i##_2); \
        if (vectors > 3) c##i##_3 = fnni_vfma(x, b3, c##i##_3); \
    }
/* Where vector v of a row goes: whole, but for the last of a masked tile. */
#define FNNI_TILE_PUT(i, v) \
    if (vectors > v) \
        fnni_tile_put(c + v * FNNI_LANES, masked && vectors == v + 1, m, add, beta, \
                      fnni_vmul(alpha, c##i##_##v));
#define FNNI_TILE_STORE(i) \
    if (rows > i) { \
        FNNI_TILE_PUT(i, 0) FNNI_TILE_PUT(i, 1) FNNI_TILE_PUT(i, 2) FNNI_TILE_PUT(i, 3) \
        c += ldc; \
    }

/* c = sum + beta c, or with add 0 c = sum. */
FNNI_INLINE void fnni_tile_put(fnn_real *c, const int masked, fnni_m m, const int add, fnni_v beta,
                               fnni_v sum)
{
    if (add) sum = fnni_vfma(beta, masked ? fnni_vload_m(c, m) : fnni_vload(c), sum);
    if (masked) fnni_vstore_m(c, m, sum);
    else fnni_vstore(c, sum);
}

/* Rows 0, 3, 6, ... get pointers of their own and the two after each are reached by one and two
 * row strides: one index register serves all, and x86's addressing does the rest. */
#define fnni_row_0 a0[0]
#define fnni_row_1 a0[row]
#define fnni_row_2 a0[row * 2]
#define fnni_row_3 a3[0]
#define fnni_row_4 a3[row]
#define fnni_row_5 a3[row * 2]
#define fnni_row_6 a6[0]
#define fnni_row_7 a6[row]
#define fnni_row_8 a6[row * 2]
#define fnni_row_9 a9[0]
#define fnni_row_10 a9[row]
#define fnni_row_11 a9[row * 2]
#define fnni_row_12 a12[0]
#define fnni_row_13 a12[row]

#define FNNI_TILE_LOAD(v, from) \
    if (vectors > v) \
        b##v = masked && vectors == v + 1 ? fnni_vload_m(from + v * FNNI_LANES, m) \
                                          : fnni_vload(from + v * FNNI_LANES);
#define FNNI_TILE_FETCH(i) if (rows > i) FNNI_PREFETCH(&fnni_row_##i + rows * row);

/* The sum runs in stretches of 16 steps: that many floats of A are a cache line, so one
 * prefetch a stretch and row follows A, and the last stretches fetch a row of C each, too late
 * for B's panel to push it out again. B is fetched far enough ahead for the third-level cache. */
#define FNNI_TILE_STRETCH 16
#define FNNI_TILE_B_AHEAD 32
FNNI_INLINE void fnni_tile(const fnni_tiles *run, const int rows, const int vectors,
                           const int masked, const int fetch_rows, fnni_m m, const fnn_real *a,
                           const fnn_real *b, fnn_real *c)
{
    const ptrdiff_t row = run->a_row, step = run->a_step, ldb = run->ldb, ldc = run->ldc;
    const fnn_real *a0 = a, *a3 = a, *a6 = a, *a9 = a, *a12 = a, *late = c;
    const ptrdiff_t jump = run->a_segment - run->k * step;
    ptrdiff_t segment = run->segments, left, p;
    fnni_v alpha, beta, b0 = fnni_vzero(), b1 = b0, b2 = b0, b3 = b0;
    if (run->start) {
        const fnn_real *start = run->start;
        FNNI_TILE_LOAD(0, start) FNNI_TILE_LOAD(1, start)
        FNNI_TILE_LOAD(2, start) FNNI_TILE_LOAD(3, start)
    }
    FNNI_TILE_ROWS(FNNI_TILE_DECLARE)
    (void)a3, (void)a6, (void)a9, (void)a12; /* small tiles leave some out, which clang reports */
    if (rows > 3) a3 = a + run->a_group;
    if (rows > 6) a6 = a + 2 * run->a_group;
    if (rows > 9) a9 = a + 3 * run->a_group;
    if (rows > 12) a12 = a + 4 * run->a_group;
    for (;;) {
        left = run->k;
        do {
            if (run->prefetch_c && left <= (rows + 1) * FNNI_TILE_STRETCH) {
                FNNI_PREFETCH(late);
                FNNI_PREFETCH(late + (vectors - 1) * FNNI_LANES);
                late += ldc;
            }
            if (fetch_rows) { FNNI_TILE_ROWS(FNNI_TILE_FETCH) }
            p = left < FNNI_TILE_STRETCH ? left : FNNI_TILE_STRETCH;
            left -= p;
            for (; p > 0; p--) {
                FNNI_TILE_LOAD(0, b) FNNI_TILE_LOAD(1, b) FNNI_TILE_LOAD(2, b) FNNI_TILE_LOAD(3, b)
                FNNI_PREFETCH(b + FNNI_TILE_B_AHEAD * ldb);
                if (vectors * FNNI_LANES > FNNI_TILE_STRETCH) /* the row's second line */
                    FNNI_PREFETCH(b + FNNI_TILE_B_AHEAD * ldb + (vectors - 1) * FNNI_LANES);
                FNNI_TILE_ROWS(FNNI_TILE_MULTIPLY)
                b += ldb;
                a0 += step; a3 += step; a6 += step; a9 += step; a12 += step;
            }
        } while (left > 0);
        if (--segment == 0) break;
        a0 += jump; a3 += jump; a6 += jump; a9 += jump; a12 += jump;
        b += run->b_jump;
    }
    alpha = fnni_vset(run->alpha); /* here, since the loop needs every register */
    beta = fnni_vset(run->beta);
    if (run->beta == 0) {
        const int add = 0;
        FNNI_TILE_ROWS(FNNI_TILE_STORE)
    } else {
        const int add = 1;
        FNNI_TILE_ROWS(FNNI_TILE_STORE)
    }
}
/* clang-format on */

/* The run stands inside, since an indirect jump a tile, which not every machine foresees, would
 * cost as much as the tile's stores. */
FNNI_INLINE void fnni_tile_run(const fnni_tiles *run, const int rows, const int vectors,
                               const int masked, fnni_m m, const fnn_real *a, const fnn_real *b,
                               fnn_real *c)
{
    ptrdiff_t t;
    for (t = 0; t < run->count; t++, a += run->a_next, b += run->b_next, c += run->c_next)
        fnni_tile(run, rows, vectors, masked, t < run->prefetch_rows, m, a, b, c);
}

#if FNNI_OPTIMIZING
/* One case per row count, so that a tile of 13 rows costs 13 rows' time. */
#define FNNI_TILE_CASE(i) \
    case i + 1: fnni_tile_run(run, i + 1, vectors, masked, m, a, b, c); break;
FNNI_INLINE void fnni_tile_rows(const fnni_tiles *run, int rows, const int vectors,
                                const int masked, fnni_m m, const fnn_real *a, const fnn_real *b,
                                fnn_real *c)
{
    switch (rows) {
        FNNI_TILE_ROWS(FNNI_TILE_CASE)
    }
}
#endif

FNNI_KERNEL void fnni_gemm_tiles(const fnni_tiles *run, int rows, int columns, const fnn_real *a,
                                 const fnn_real *b, fnn_real *c)
{
    const int vectors = (columns + FNNI_LANES - 1) / FNNI_LANES;
    const fnni_m m = fnni_vmask(columns - (vectors - 1) * FNNI_LANES);
#if FNNI_OPTIMIZING
    if (columns == FNNI_TILE_VECTORS * FNNI_LANES)
        fnni_tile_rows(run, rows, FNNI_TILE_VECTORS, 0, m, a, b, c);
    else if (vectors == 1) fnni_tile_rows(run, rows, 1, FNNI_LANES > 1, m, a, b, c);
    else if (vectors < FNNI_TILE_VECTORS && vectors == 2)
        fnni_tile_rows(run, rows, 2, FNNI_LANES > 1, m, a, b, c);
    else if (vectors < FNNI_TILE_VECTORS && vectors == 3)
        fnni_tile_rows(run, rows, 3, FNNI_LANES > 1, m, a, b, c);
    else if (FNNI_LANES > 1) fnni_tile_rows(run, rows, FNNI_TILE_VECTORS, 1, m, a, b, c);
#else /* one body for all shapes: clang 14 would give each its own stack, and there are 8 MiB */
    fnni_tile_run(run, rows, vectors, columns % FNNI_LANES != 0, m, a, b, c);
#endif
}

/* How many of n >= 0 fill whole vectors. */
FNNI_INLINE ptrdiff_t fnni_whole(ptrdiff_t n)
{
    return n & -(ptrdiff_t)FNNI_LANES;
}

/* How many of a vector's lanes fall into what is left: 0..LANES. */
FNNI_INLINE int fnni_lanes_left(int left)
{
    return left <= 0 ? 0 : left < FNNI_LANES ? left : FNNI_LANES;
}

/* Packing has a form for panels filled to the last column, and one with masks for the others. */
#define FNNI_PACK_AHEAD 16 /* rows: far enough apart that hardware does not foresee them */
FNNI_INLINE void fnni_pack_row(const int whole, int columns, int width, const fnn_real *x,
                               fnn_real *panel)
{
    int j;
    for (j = 0; j < width; j += FNNI_LANES) {
        if (whole) fnni_vstore(panel + j, fnni_vload(x + j));
        else {
            const fnni_m in = fnni_vmask(fnni_lanes_left(columns - j));
            fnni_vstore_m(panel + j, fnni_vmask(fnni_lanes_left(width - j)),
                          fnni_vload_m(x + j, in));
        }
    }
}

FNNI_KERNEL void fnni_pack_rows(ptrdiff_t k, int columns, int width, const fnn_real *x,
                                ptrdiff_t ldx, fnn_real *panel)
{
    const int vectors = width % FNNI_LANES == 0;
    ptrdiff_t p;
    int j;
    for (p = 0; p < k; p++, x += ldx, panel += width)
        for (j = 0; j < columns; j += width) {
            FNNI_PREFETCH(x + FNNI_PACK_AHEAD * ldx + j);
            FNNI_PREFETCH(x + FNNI_PACK_AHEAD * ldx + (columns - j < width ? columns : j + width) -
                          1);
            if (vectors && columns - j >= width)
                fnni_pack_row(1, width, width, x + j, panel + j * k);
            else fnni_pack_row(0, columns - j, width, x + j, panel + j * k);
        }
}

#define FNNI_SQUARE_LOAD(i)                                   \
    square[i] = whole         ? fnni_vload(x + i * ldx)       \
                : i < columns ? fnni_vload_m(x + i * ldx, in) \
                              : fnni_vzero();
#define FNNI_SQUARE_STORE(i)                              \
    if (whole) fnni_vstore(panel + i * width, square[i]); \
    else if (i < depth) fnni_vstore_m(panel + i * width, out, square[i]);
/* One LANES x LANES block: up to LANES source rows (the rest count as zero), depth of them. */
FNNI_INLINE void fnni_pack_square(const int whole, int depth, int columns, int left,
                                  const fnn_real *x, ptrdiff_t ldx, fnn_real *panel, int width)
{
    const fnni_m in = fnni_vmask(fnni_lanes_left(depth)), out = fnni_vmask(fnni_lanes_left(left));
    fnni_v square[FNNI_LANES];
    FNNI_LANE_LIST(FNNI_SQUARE_LOAD)
    fnni_vtranspose(square);
    FNNI_LANE_LIST(FNNI_SQUARE_STORE)
}

FNNI_KERNEL void fnni_pack_transposed(ptrdiff_t k, int columns, int width, const fnn_real *x,
                                      ptrdiff_t ldx, fnn_real *panel)
{
    int j;
    for (j = 0; j < width; j += FNNI_LANES, x += FNNI_LANES * ldx, panel += FNNI_LANES) {
        ptrdiff_t p = 0;
        if (columns - j >= FNNI_LANES)
            for (; p + FNNI_LANES <= k; p += FNNI_LANES)
                fnni_pack_square(1, FNNI_LANES, FNNI_LANES, FNNI_LANES, x + p, ldx,
                                 panel + p * width, width);
        for (; p < k; p += FNNI_LANES)
            fnni_pack_square(0, (int)(k - p < FNNI_LANES ? k - p : FNNI_LANES), columns - j,
                             width - j, x + p, ldx, panel + p * width, width);
    }
}

/* ---- elementwise kernels: what they share ---- */
/* One loop idiom: full vectors, then one masked tail. What is done to a vector stands once, in
 * a function that gets `whole` as a constant: 1 in the loop, 0 with a mask in the tail. */
FNNI_INLINE fnni_v fnni_get(const int whole, fnni_m m, const fnn_real *p)
{
    return whole ? fnni_vload(p) : fnni_vload_m(p, m);
}

FNNI_INLINE void fnni_put(const int whole, fnni_m m, fnn_real *p, fnni_v a)
{
    if (whole) fnni_vstore(p, a);
    else fnni_vstore_m(p, m, a);
}

/* copies[i*n + j] = x[j] for i below count. */
FNNI_INLINE void fnni_spread(ptrdiff_t count, ptrdiff_t n, const fnn_real *x, fnn_real *copies)
{
    ptrdiff_t j;
    for (; count > 0; count--, copies += n)
        for (j = 0; j < n; j++) copies[j] = x[j];
}

/* ---- exp, log, tanh, sigmoid and their kin ---- */
/* The double library has the scalar pass alone and takes libm's functions. The float ones need
 * no fused multiply-add to hold their bounds, and a compiler that fuses does no harm: where the
 * last bits count, products are exact or sums are split by Dekker's Fast2Sum, which has none.
 * Polynomials are minimax for the weighted error named beside them (Remez), the coefficients
 * rounded to float. tests/exhaustive_math.c measures every float. */
#if FNNI_REAL_IS_DOUBLE
/* clang-format off */
FNNI_INLINE fnni_v fnni_vexp(fnni_v x) { return exp(x); }
FNNI_INLINE fnni_v fnni_vexp_below(fnni_v x) { return exp(x); }
FNNI_INLINE fnni_v fnni_vexpm1_below(fnni_v x) { return expm1(x); }
FNNI_INLINE fnni_v fnni_vlog(fnni_v x) { return log(x); }
FNNI_INLINE fnni_v fnni_vtanh(fnni_v x) { return tanh(x); }
/* clang-format on */
FNNI_INLINE fnni_v fnni_vsigmoid(fnni_v x)
{
    const double e = exp(-fabs(x)), base = x < 0 ? e : 1;
    return base - base * (e / (1 + e));
}
/* Phi(x) is the normal distribution, erfc(-x / sqrt 2) / 2, and 0 to any precision below -40. */
FNNI_INLINE fnni_v fnni_vgelu(fnni_v x)
{
    return x < -40 ? 0 : x * (0.5 * erfc(-0.70710678118654752440 * x));
}
FNNI_INLINE fnni_v fnni_vgelu_slope(fnni_v x)
{
    const double c = x < -40 ? -40 : x > 40 ? 40 : x;
    return 0.5 * erfc(-0.70710678118654752440 * c) + c * exp(-0.5 * c * c) * 0.39894228040143267794;
}
#else
#define FNNI_MAGIC 12582912.0f /* 1.5 * 2^23: adding it leaves no place for a fraction, and the */
#define FNNI_MAGIC_BITS 0x4b400000u /* sum's bits are these plus the nearest whole number */
#ifdef FNNI_PASS_AVX512
/* clang-format off */
FNNI_INLINE fnni_v fnni_vscale(fnni_v a, fnni_v n) { return _mm512_maskz_scalef_ps(0xffff, a, n); }
FNNI_INLINE fnni_v fnni_vscale_normal(fnni_v a, fnni_v n) { return fnni_vscale(a, n); }
/* clang-format on */
#else
/* a 2^n as a f1 f2 with f1 and f2 about 2^(n/2), both normal: only the second product rounds.
 * n + 254 is split rather than n, so that the halves are positive and biased already. */
FNNI_INLINE fnni_v fnni_vscale(fnni_v a, fnni_v n)
{
    const fnni_u k = fnni_uadd(fnni_vbits(fnni_vadd(n, fnni_vset(FNNI_MAGIC))),
                               fnni_uset(254u - FNNI_MAGIC_BITS));
    const fnni_u half = fnni_ushr(k, 1);
    a = fnni_vmul(a, fnni_vfrom_bits(fnni_ushl(half, 23)));
    return fnni_vmul(a, fnni_vfrom_bits(fnni_ushl(fnni_usub(k, half), 23)));
}

FNNI_INLINE fnni_v fnni_vscale_normal(fnni_v a, fnni_v n)
{
    const fnni_u k = fnni_vbits(fnni_vadd(n, fnni_vset(FNNI_MAGIC))); /* the shift drops MAGIC */
    return fnni_vfrom_bits(fnni_uadd(fnni_vbits(a), fnni_ushl(k, 23)));
}
#endif

FNNI_INLINE fnni_v fnni_vabs(fnni_v a)
{
    return fnni_vfrom_bits(fnni_uand(fnni_vbits(a), fnni_uset(0x7fffffffu)));
}

/* a >= 0 with the sign of s. */
FNNI_INLINE fnni_v fnni_vcopysign(fnni_v a, fnni_v s)
{
    return fnni_vfrom_bits(
        fnni_uor(fnni_vbits(a), fnni_uand(fnni_vbits(s), fnni_uset(0x80000000u))));
}

/* ln 2 in two parts, the first with nine trailing zeros: a whole number below 2^9 times it is
 * exact (Cody and Waite, 1980). */
#define FNNI_LN2_HIGH 6.9314575195e-01f /* 0x1.62e4p-1 */
#define FNNI_LN2_LOW 1.4286067653e-06f

/* Returns n, the whole number nearest x / ln 2; x = n ln 2 + (high - low), high exact. */
FNNI_INLINE fnni_v fnni_exp_reduce(fnni_v x, fnni_v *high, fnni_v *low)
{
    const fnni_v magic = fnni_vset(FNNI_MAGIC);
    const fnni_v sum = fnni_vfma(x, fnni_vset(1.44269504f), magic);
    /* by way of the bits: x87 */
    const fnni_v n = fnni_vsub(fnni_vfrom_bits(fnni_vbits(sum)), magic);
    *high = fnni_vfnma(n, fnni_vset(FNNI_LN2_HIGH), x);
    *low = fnni_vmul(n, fnni_vset(FNNI_LN2_LOW));
    return n;
}

/* e^(high - low) - 1 - high, that is r^2 q(r) - low: |r| <= .347, error below 2^-28 e^r. */
FNNI_INLINE fnni_v fnni_exp_rest(fnni_v high, fnni_v low)
{
    const fnni_v r = fnni_vsub(high, low);
    fnni_v q = fnni_vset(0.0013814624f);
    q = fnni_vfma(q, r, fnni_vset(0.0083687175f));
    q = fnni_vfma(q, r, fnni_vset(0.04166839f));
    q = fnni_vfma(q, r, fnni_vset(0.16666521f));
    q = fnni_vfma(q, r, fnni_vset(0.49999994f));
    return fnni_vsub(fnni_vmul(fnni_vmul(r, r), q), low);
}

/* 1 + high + rest, rounded all but once: 1 + high is split into the sum and what it lost. */
FNNI_INLINE fnni_v fnni_exp_sum(fnni_v high, fnni_v rest)
{
    const fnni_v one = fnni_vset(1), sum = fnni_vadd(one, high);
    return fnni_vadd(sum, fnni_vadd(fnni_vsub(high, fnni_vsub(sum, one)), rest));
}

/* e^x for x <= 89, where it overflows already; below -104 it is 0. NaN stays NaN (vmax). */
FNNI_INLINE fnni_v fnni_vexp_below(fnni_v x)
{
    fnni_v high, low;
    const fnni_v n = fnni_exp_reduce(fnni_vmax(fnni_vset(-104), x), &high, &low);
    return fnni_vscale(fnni_exp_sum(high, fnni_exp_rest(high, low)), n);
}

FNNI_INLINE fnni_v fnni_vexp(fnni_v x)
{
    return fnni_vexp_below(fnni_vmin(fnni_vset(89), x));
}

/* e^x - 1 for x <= 0: 2^n (1 + p) - 1 = 2^n p + (2^n - 1), which is p itself near 0. */
FNNI_INLINE fnni_v fnni_vexpm1_below(fnni_v x)
{
    const fnni_v one = fnni_vset(1);
    fnni_v high, low;
    const fnni_v n = fnni_exp_reduce(fnni_vmax(fnni_vset(-30), x), &high, &low);
    const fnni_v p = fnni_vadd(high, fnni_exp_rest(high, low));
    const fnni_v power = fnni_vscale_normal(one, n);
    return fnni_vfma(power, p, fnni_vsub(power, one));
}

/* What log gives where its formula does not hold: 0, negative, +infinity, NaN. */
FNNI_INLINE fnni_v fnni_vlog_special(fnni_v x, fnni_v y)
{
    const fnni_v zero = fnni_vzero(), infinity = fnni_vset(INFINITY);
    const fnni_v bad = fnni_vselect(fnni_veq(x, zero), fnni_vset(-INFINITY), fnni_vset(NAN));
    y = fnni_vselect(fnni_vgt(infinity, x), y, x);
    return fnni_vselect(fnni_vgt(x, zero), y, bad);
}

/* x = 2^k (1 + f), 2/3 <= 1 + f < 4/3; ln x = k ln 2 + f - f^2/2 + f^3 P(f), |P's error| below
 * 2^-27 ln(1+f) / f^3. k LN2_HIGH + f is split into the sum and what it lost. */
FNNI_INLINE fnni_v fnni_vlog(fnni_v x)
{
    const fnni_m tiny = fnni_vgt(fnni_vset(1.1754944e-38f), x);
    const fnni_u bits = fnni_vbits(fnni_vselect(tiny, fnni_vmul(x, fnni_vset(8388608.0f)), x));
    const fnni_u power = fnni_uand(fnni_usub(bits, fnni_uset(0x3f2aaaabu)), fnni_uset(0xff800000u));
    const fnni_v f = fnni_vsub(fnni_vfrom_bits(fnni_usub(bits, power)), fnni_vset(1));
    const fnni_v k = fnni_vfma(fnni_vfrom_int(power), fnni_vset(1.1920929e-07f),
                               fnni_vselect(tiny, fnni_vset(-23), fnni_vzero()));
    const fnni_v square = fnni_vmul(f, f), high = fnni_vmul(k, fnni_vset(FNNI_LN2_HIGH));
    const fnni_v sum = fnni_vadd(high, f), lost = fnni_vsub(f, fnni_vsub(sum, high));
    fnni_v p = fnni_vset(-0.12891677f);
    p = fnni_vfma(p, f, fnni_vset(0.13984431f));
    p = fnni_vfma(p, f, fnni_vset(-0.12184263f));
    p = fnni_vfma(p, f, fnni_vset(0.1400587f));
    p = fnni_vfma(p, f, fnni_vset(-0.16680487f));
    p = fnni_vfma(p, f, fnni_vset(0.20010406f));
    p = fnni_vfma(p, f, fnni_vset(-0.24999797f));
    p = fnni_vfma(p, f, fnni_vset(0.33333215f));
    p = fnni_vfma(fnni_vmul(f, square), p, fnni_vmul(k, fnni_vset(FNNI_LN2_LOW)));
    p = fnni_vsub(p, fnni_vmul(fnni_vset(0.5f), square));
    return fnni_vlog_special(x, fnni_vadd(sum, fnni_vadd(lost, p)));
}

/* |x| <= .625: x + x^3 P(x^2), error below 2^-26 of the result; else 1 - 2/(e^2|x| + 1), which
 * is 1 from 10 on. NaN goes the first way: vscale_normal would make a number of it. */
FNNI_INLINE fnni_v fnni_vtanh(fnni_v x)
{
    const fnni_v one = fnni_vset(1), two = fnni_vset(2);
    const fnni_v a = fnni_vmin(fnni_vset(10), fnni_vabs(x)), square = fnni_vmul(a, a);
    fnni_v high, low, large, p = fnni_vset(-0.00570498f);
    const fnni_v n = fnni_exp_reduce(fnni_vadd(a, a), &high, &low);
    large = fnni_vscale_normal(fnni_vadd(one, fnni_vadd(high, fnni_exp_rest(high, low))), n);
    large = fnni_vsub(one, fnni_vdiv(two, fnni_vadd(large, one)));
    p = fnni_vfma(p, square, fnni_vset(0.02063908f));
    p = fnni_vfma(p, square, fnni_vset(-0.05373971f));
    p = fnni_vfma(p, square, fnni_vset(0.13331442f));
    p = fnni_vfma(p, square, fnni_vset(-0.3333328f));
    p = fnni_vfma(fnni_vmul(a, square), p, a);
    return fnni_vcopysign(fnni_vselect(fnni_vgt(a, fnni_vset(0.625f)), large, p), x);
}

/* With e = e^-|x| and q = e/(1+e): 1 - q, or e/(1+e) = e - e q for x < 0. The subtraction
 * halves the division's error and keeps subnormal results exact to the last bit. */
FNNI_INLINE fnni_v fnni_vsigmoid(fnni_v x)
{
    const fnni_v one = fnni_vset(1);
    const fnni_v e = fnni_vexp_below(fnni_vsub(fnni_vzero(), fnni_vabs(x)));
    const fnni_v q = fnni_vdiv(e, fnni_vadd(one, e));
    const fnni_v base = fnni_vselect(fnni_vgt(fnni_vzero(), x), e, one);
    return fnni_vfnma(base, q, base);
}

/* For a >= 0 Phi(-a) = density mills 2^n and e^(-a^2/2) = density 2^n. a^2/2 is split as
 * h^2/2 + (a - h)(a + h)/2, h having 12 bits, so that a large exponent costs no accuracy;
 * mills = t P(t), t = 1/(1 + .32 a), error below 2^-25, up to a = 14.5 where Phi(-a) a is 0. */
FNNI_INLINE fnni_v fnni_normal_tail(fnni_v a, fnni_v *density, fnni_v *mills)
{
    const fnni_v h = fnni_vfrom_bits(fnni_uand(fnni_vbits(a), fnni_uset(0xfffff000u)));
    const fnni_v half = fnni_vset(0.5f), one = fnni_vset(1);
    const fnni_v t = fnni_vdiv(one, fnni_vfma(fnni_vset(0.32f), a, one));
    const fnni_v rest = fnni_vmul(fnni_vmul(half, fnni_vsub(a, h)), fnni_vadd(a, h));
    fnni_v high, low, p = fnni_vset(-0.016291177f);
    const fnni_v n = fnni_exp_reduce(fnni_vmul(fnni_vmul(fnni_vset(-0.5f), h), h), &high, &low);
    low = fnni_vadd(low, rest);
    *density = fnni_exp_sum(high, fnni_exp_rest(high, low));
    p = fnni_vfma(p, t, fnni_vset(0.07045479f));
    p = fnni_vfma(p, t, fnni_vset(-0.09077311f));
    p = fnni_vfma(p, t, fnni_vset(-0.005203569f));
    p = fnni_vfma(p, t, fnni_vset(0.04555431f));
    p = fnni_vfma(p, t, fnni_vset(0.031357646f));
    p = fnni_vfma(p, t, fnni_vset(0.09644949f));
    p = fnni_vfma(p, t, fnni_vset(0.1129599f));
    p = fnni_vfma(p, t, fnni_vset(0.12783813f));
    p = fnni_vfma(p, t, fnni_vset(0.12765358f));
    *mills = fnni_vmul(t, p);
    return n;
}

/* x Phi(x) = max(x, 0) - |x| Phi(-|x|), without cancellation on either side. */
FNNI_INLINE fnni_v fnni_vgelu(fnni_v x)
{
    const fnni_v a = fnni_vmin(fnni_vset(14.5f), fnni_vabs(x));
    fnni_v density, mills;
    const fnni_v n = fnni_normal_tail(a, &density, &mills);
    const fnni_v below = fnni_vscale(fnni_vmul(density, fnni_vmul(mills, a)), n);
    return fnni_vsub(fnni_vmax(fnni_vzero(), x), below);
}

/* (x Phi(x))' = Phi(x) + x phi(x). */
FNNI_INLINE fnni_v fnni_vgelu_slope(fnni_v x)
{
    const fnni_v a = fnni_vmin(fnni_vset(14.5f), fnni_vabs(x));
    fnni_v density, mills, phi;
    const fnni_v n = fnni_normal_tail(a, &density, &mills);
    const fnni_v below = fnni_vscale(fnni_vmul(density, mills), n);
    density = fnni_vmul(fnni_vscale(density, n), fnni_vset(0.398942280f)); /* 1 / sqrt(2 pi) */
    phi = fnni_vselect(fnni_vgt(x, fnni_vzero()), fnni_vsub(fnni_vset(1), below), below);
    return fnni_vfma(fnni_vcopysign(a, x), density, phi);
}
#endif

/* ---- activations: the formulas ---- */
/* Of each activation f(x) and, below, b f'(x), found by its word: a is the call's parameter, y is
 * f(x), or x where the list says FNNI_SLOPE_OF_X. Where f has a kink the slope is the left one. */
#define FNNI_F(word) \
    FNNI_INLINE fnni_v FNNI_NAME(f_##word)(fnni_v a FNNI_UNUSED, fnni_v x FNNI_UNUSED)
#define FNNI_SLOPE(word) \
    FNNI_INLINE fnni_v FNNI_NAME(slope_##word)(fnni_v a FNNI_UNUSED, fnni_v y FNNI_UNUSED, fnni_v b)

/* clang-format off */
FNNI_F(linear)         { return x; }
FNNI_SLOPE(linear)     { return b; }
FNNI_F(relu)           { return fnni_vmax(fnni_vzero(), x); }
FNNI_SLOPE(relu)       { return fnni_vselect(fnni_vgt(y, fnni_vzero()), b, fnni_vzero()); }
FNNI_F(leaky_relu)     { return fnni_vselect(fnni_vgt(x, fnni_vzero()), x, fnni_vmul(a, x)); }
FNNI_SLOPE(leaky_relu) { return fnni_vselect(fnni_vgt(y, fnni_vzero()), b, fnni_vmul(a, b)); }
FNNI_F(elu)
{
    const fnni_v below = fnni_vmul(a, fnni_vexpm1_below(fnni_vmin(fnni_vzero(), x)));
    return fnni_vselect(fnni_vgt(x, fnni_vzero()), x, below);
}
FNNI_SLOPE(elu)
{
    return fnni_vselect(fnni_vgt(y, fnni_vzero()), b, fnni_vmul(fnni_vadd(y, a), b));
}
FNNI_F(gelu)           { return fnni_vgelu(x); }
FNNI_SLOPE(gelu)       { return fnni_vmul(fnni_vgelu_slope(y), b); }
FNNI_F(sigmoid)        { return fnni_vsigmoid(x); }
FNNI_SLOPE(sigmoid)    { return fnni_vmul(fnni_vmul(y, fnni_vsub(fnni_vset(1), y)), b); }
FNNI_F(tanh)           { return fnni_vtanh(x); }
FNNI_SLOPE(tanh)       { return fnni_vmul(fnni_vfnma(y, y, fnni_vset(1)), b); }
FNNI_F(exp)            { return fnni_vexp(x); }
FNNI_F(log)            { return fnni_vlog(x); }
/* clang-format on */

/* ---- activations: the loops ---- */
/* The forms of a map: f(x), f(x + b), and b f'(x), where the x given is y or x. Form and formula
 * are constants wherever these are called: what is not asked for vanishes, the rest is inlined. */
#define FNNI_PLAIN 0
#define FNNI_BIASED 1
#define FNNI_BACKWARD 2
typedef fnni_v (*fnni_f)(fnni_v a, fnni_v x);
typedef fnni_v (*fnni_slope)(fnni_v a, fnni_v y, fnni_v b);

FNNI_INLINE void fnni_map_vector(const int form, const fnni_f f, const fnni_slope slope,
                                 const int whole, fnni_m m, fnni_v a, const fnn_real *x,
                                 const fnn_real *b, fnn_real *y)
{
    fnni_v in = fnni_get(whole, m, x);
    if (form == FNNI_BACKWARD) in = slope(a, in, fnni_get(whole, m, b));
    else in = f(a, form == FNNI_BIASED ? fnni_vadd(in, fnni_get(whole, m, b)) : in);
    fnni_put(whole, m, y, in);
}

/* The one loop of all maps, over n elements of which m masks those behind the last whole vector. */
FNNI_INLINE void fnni_map_row(const int form, const fnni_f f, const fnni_slope slope, fnni_v a,
                              fnni_m m, ptrdiff_t n, ptrdiff_t full, const fnn_real *x,
                              const fnn_real *b, fnn_real *y)
{
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES)
        fnni_map_vector(form, f, slope, 1, m, a, x + i, form == FNNI_PLAIN ? x : b + i, y + i);
    if (full < n)
        fnni_map_vector(form, f, slope, 0, m, a, x + full, form == FNNI_PLAIN ? x : b + full,
                        y + full);
}

FNNI_INLINE void fnni_map(const int form, const fnni_f f, const fnni_slope slope,
                          fnn_real parameter, ptrdiff_t n, const fnn_real *x, const fnn_real *b,
                          fnn_real *y)
{
    const ptrdiff_t full = fnni_whole(n);
    const fnni_m m = fnni_vmask(n - full);
    fnni_map_row(form, f, slope, fnni_vset(parameter), m, n, full, x, b, y);
}

FNNI_INLINE void fnni_map_rows(const fnni_f f, fnn_real parameter, ptrdiff_t rows,
                               ptrdiff_t columns, const fnn_real *bias, fnn_real *c, ptrdiff_t ldc)
{
    const ptrdiff_t full = fnni_whole(columns);
    const fnni_v a = fnni_vset(parameter);
    const fnni_m m = fnni_vmask(columns - full);
    for (; rows > 0; rows--, c += ldc)
        fnni_map_row(FNNI_BIASED, f, NULL, a, m, columns, full, c, bias, c);
}

FNNI_KERNEL void fnni_activation(unsigned kind, fnn_real parameter, ptrdiff_t n, const fnn_real *x,
                                 fnn_real *y)
{
#define FNNI_MAP_CASE(name, word, a, traits)                                        \
    case FNNI_MAP_##word:                                                           \
        if (!((traits)&FNNI_IDENTITY) || x != y)                                    \
            fnni_map(FNNI_PLAIN, FNNI_NAME(f_##word), NULL, parameter, n, x, x, y); \
        break;
    switch (kind) {
        FNNI_MAP_LIST(FNNI_MAP_CASE, FNNI_LEAVE_OUT)
    }
}

FNNI_INLINE void fnni_copy(ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    fnni_map(FNNI_PLAIN, FNNI_NAME(f_linear), NULL, 0, n, x, x, y);
}

FNNI_KERNEL void fnni_activation_backward(unsigned kind, fnn_real parameter, ptrdiff_t n,
                                          const fnn_real *x, const fnn_real *y, const fnn_real *dy,
                                          fnn_real *dx)
{
#define FNNI_BACK_CASE(name, word, a, traits)                                                \
    case name:                                                                               \
        if ((traits)&FNNI_SLOPE_OF_X) y = x;                                                 \
        if ((traits)&FNNI_IDENTITY) y = dy;                                                  \
        if (!((traits)&FNNI_IDENTITY) || dx != dy)                                           \
            fnni_map(FNNI_BACKWARD, NULL, FNNI_NAME(slope_##word), parameter, n, y, dy, dx); \
        break;
    switch (kind) {
        FNN_ACTIVATION_LIST(FNNI_BACK_CASE, FNNI_LEAVE_OUT)
    }
}

/* Rows that fill no vector and stand close make, LANES of them, a row of whole vectors: full speed,
 * where masked rows would make each load wait for the store of the row before, whose cache line it
 * shares. The rows left over are few. */
#define FNNI_CLOSE_COLUMNS 64
FNNI_KERNEL void fnni_bias_activation(unsigned kind, fnn_real parameter, ptrdiff_t rows,
                                      ptrdiff_t columns, const fnn_real *bias, fnn_real *c,
                                      ptrdiff_t ldc)
{
    const int close = columns == ldc && columns % FNNI_LANES != 0 && columns <= FNNI_CLOSE_COLUMNS;
    fnn_real copies[FNNI_CLOSE_COLUMNS * FNNI_LANES];
    if (!bias) {
        if (columns == ldc) fnni_activation(kind, parameter, rows * columns, c, c);
        else
            for (; rows > 0; rows--, c += ldc) fnni_activation(kind, parameter, columns, c, c);
        return;
    }
    if (close && rows >= 2 * FNNI_LANES) {
        const ptrdiff_t left = rows % FNNI_LANES;
        fnni_bias_activation(kind, parameter, left, columns, bias, c + (rows - left) * ldc, ldc);
        fnni_spread(FNNI_LANES, columns, bias, copies);
        bias = copies;
        rows /= FNNI_LANES;
        columns = ldc = columns * FNNI_LANES;
    }
#define FNNI_BIAS_CASE(name, word, a, traits) \
    case name: fnni_map_rows(FNNI_NAME(f_##word), parameter, rows, columns, bias, c, ldc); break;
    switch (kind) {
        FNN_ACTIVATION_LIST(FNNI_BIAS_CASE, FNNI_LEAVE_OUT)
    }
}

/* ---- softmax and its cross-entropy ---- */
/* max x, n >= 1. A NaN may be lost here; the exponentials bring it back. */
FNNI_INLINE fnni_v fnni_row_maximum(ptrdiff_t n, const fnn_real *x)
{
    const fnni_v lowest = fnni_vset((fnn_real)-INFINITY);
    fnni_v a = lowest;
    const ptrdiff_t full = fnni_whole(n);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES) a = fnni_vmax(fnni_vload(x + i), a);
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i);
        a = fnni_vmax(fnni_vselect(m, fnni_vload_m(x + i, m), lowest), a);
    }
    return fnni_vset(fnni_vhmax(a));
}

/* y = e^(x - max); returns the sum. */
FNNI_INLINE fnn_real fnni_row_exp(ptrdiff_t n, fnni_v maximum, const fnn_real *x, fnn_real *y)
{
    fnni_v sum = fnni_vzero();
    const ptrdiff_t full = fnni_whole(n);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES) {
        const fnni_v e = fnni_vexp_below(fnni_vsub(fnni_vload(x + i), maximum));
        fnni_vstore(y + i, e);
        sum = fnni_vadd(sum, e);
    }
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i);
        const fnni_v e = fnni_vexp_below(fnni_vsub(fnni_vload_m(x + i, m), maximum));
        fnni_vstore_m(y + i, m, e);
        sum = fnni_vadd(sum, fnni_vselect(m, e, fnni_vzero()));
    }
    return fnni_vhsum(sum);
}

/* A row of one or two vectors, the last one masked; what the mask leaves out is -infinity, for
 * the maximum. Then x - maximum, what the mask leaves out 0: its exponential is thrown away,
 * and e^-infinity would underflow, which costs some processors a hundred cycles. */
FNNI_INLINE void fnni_row_load(const int vectors, fnni_m m, const fnn_real *x, fnni_v *a, fnni_v *b)
{
    const fnni_v lowest = fnni_vset((fnn_real)-INFINITY);
    *a = vectors > 1 ? fnni_vload(x) : fnni_vselect(m, fnni_vload_m(x, m), lowest);
    *b = vectors > 1 ? fnni_vselect(m, fnni_vload_m(x + FNNI_LANES, m), lowest) : lowest;
}

FNNI_INLINE void fnni_row_reduce(const int vectors, fnni_m m, fnni_v *a, fnni_v *b)
{
    const fnni_v maximum = fnni_vset(fnni_vhmax(vectors > 1 ? fnni_vmax(*a, *b) : *a));
    *a = fnni_vsub(vectors > 1 ? *a : fnni_vselect(m, *a, maximum), maximum);
    *b = vectors > 1 ? fnni_vsub(fnni_vselect(m, *b, maximum), maximum) : fnni_vzero();
}

/* e^(x - maximum), 0 where the mask leaves out. */
FNNI_INLINE void fnni_row_exp_short(const int vectors, fnni_m m, fnni_v *a, fnni_v *b)
{
    const fnni_v zero = fnni_vzero();
    *a = fnni_vexp_below(*a);
    if (vectors > 1) *b = fnni_vselect(m, fnni_vexp_below(*b), zero);
    else *a = fnni_vselect(m, *a, zero);
}

/* Rows of one or two vectors stay in registers. Each row is loaded before the last one is
 * stored: where y is x, its vector reaches into the bytes that store writes, and would wait. */
FNNI_INLINE void fnni_softmax_short(const int vectors, ptrdiff_t rows, ptrdiff_t columns,
                                    const fnn_real *x, fnn_real *y)
{
    const ptrdiff_t tail = (vectors - 1) * FNNI_LANES;
    const fnni_m m = fnni_vmask(columns - tail);
    fnni_v a, b, sum, next_a, next_b;
    fnni_row_load(vectors, m, x, &next_a, &next_b);
    for (; rows > 0; rows--, y += columns) {
        a = next_a, b = next_b;
        fnni_row_reduce(vectors, m, &a, &b);
        fnni_row_exp_short(vectors, m, &a, &b);
        sum = fnni_vset(fnni_vhsum(vectors > 1 ? fnni_vadd(a, b) : a));
        x += columns;
        if (rows > 1) fnni_row_load(vectors, m, x, &next_a, &next_b);
        fnni_put(vectors > 1, m, y, fnni_vdiv(a, sum));
        if (vectors > 1) fnni_vstore_m(y + tail, m, fnni_vdiv(b, sum));
    }
}

FNNI_KERNEL void fnni_softmax(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x, fnn_real *y)
{
    if (rows <= 0 || columns <= 0) return;
    if (columns <= 2 * FNNI_LANES) {
        if (columns <= FNNI_LANES) fnni_softmax_short(1, rows, columns, x, y);
        else fnni_softmax_short(2, rows, columns, x, y);
        return;
    }
    for (; rows > 0; rows--, x += columns, y += columns) {
        const fnn_real sum = fnni_row_exp(columns, fnni_row_maximum(columns, x), x, y);
        const fnni_v whole = fnni_vset(sum);
        const ptrdiff_t full = fnni_whole(columns);
        ptrdiff_t i;
        for (i = 0; i < full; i += FNNI_LANES)
            fnni_vstore(y + i, fnni_vdiv(fnni_vload(y + i), whole));
        if (full < columns) {
            const fnni_m m = fnni_vmask(columns - i);
            fnni_vstore_m(y + i, m, fnni_vdiv(fnni_vload_m(y + i, m), whole));
        }
    }
}

/* What the losses of a block of rows are made of: log(sum e^z) sum t - sum t z. The logarithm
 * waits until there are many to take, a vector at a time. */
#define FNNI_ENTROPY_ROWS 64
typedef struct fnni_entropy_block {
    fnn_real sum_exp[FNNI_ENTROPY_ROWS], sum_t[FNNI_ENTROPY_ROWS], sum_tz[FNNI_ENTROPY_ROWS];
} fnni_entropy_block;

/* One row's state: t = keep target + share, z = x - maximum. */
typedef struct fnni_entropy {
    fnni_v maximum, keep, share, scale;
    fnni_v sum_exp, sum_t, sum_tz; /* with labels sum_tz holds the sum of z */
} fnni_entropy;

/* t z, where 0 log 0 is 0. */
FNNI_INLINE fnni_v fnni_entropy_product(fnni_v t, fnni_v z)
{
    return fnni_vselect(fnni_veq(t, fnni_vzero()), fnni_vzero(), fnni_vmul(t, z));
}

/* Adds one vector to the sums; e^z goes to gradient. What the mask leaves out counts as
 * z = -infinity and t = 0. */
FNNI_INLINE void fnni_entropy_terms(fnni_entropy *s, const int whole, fnni_m m, const fnn_real *x,
                                    const fnn_real *targets, fnn_real *gradient)
{
    const fnni_v zero = fnni_vzero();
    const fnni_v z = fnni_vsub(fnni_get(whole, m, x), s->maximum);
    fnni_v e = fnni_vexp_below(z), tz = z;
    if (targets) {
        fnni_v t = fnni_vfma(s->keep, fnni_get(whole, m, targets), s->share);
        if (!whole) t = fnni_vselect(m, t, zero);
        tz = fnni_entropy_product(t, z);
        s->sum_t = fnni_vadd(s->sum_t, t);
    }
    if (!whole) {
        e = fnni_vselect(m, e, zero);
        tz = fnni_vselect(m, tz, zero);
    }
    s->sum_tz = fnni_vadd(s->sum_tz, tz);
    s->sum_exp = fnni_vadd(s->sum_exp, e);
    if (gradient) fnni_put(whole, m, gradient, e);
}

/* gradient = scale (ratio e^z - t), ratio = sum t / sum e^z. */
FNNI_INLINE void fnni_entropy_gradient(const fnni_entropy *s, const int whole, fnni_m m,
                                       fnni_v ratio, const fnn_real *targets, fnn_real *gradient)
{
    const fnni_v e = fnni_get(whole, m, gradient);
    fnni_v t = s->share;
    if (targets) t = fnni_vfma(s->keep, fnni_get(whole, m, targets), t);
    fnni_put(whole, m, gradient, fnni_vmul(s->scale, fnni_vsub(fnni_vmul(e, ratio), t)));
}

/* One row of any length, row `at` of the block. */
FNNI_INLINE void fnni_entropy_row(fnni_entropy *s, ptrdiff_t n, const fnn_real *x,
                                  const int32_t *label, const fnn_real *targets, fnn_real *gradient,
                                  fnni_entropy_block *block, ptrdiff_t at)
{
    const fnn_real keep = fnni_vfirst(s->keep), share = fnni_vfirst(s->share);
    const ptrdiff_t full = fnni_whole(n);
    const fnni_m m = fnni_vmask(n - full);
    fnn_real sum, sum_t = 1, sum_tz, at_label = 0;
    ptrdiff_t i;
    s->maximum = fnni_row_maximum(n, x);
    s->sum_exp = s->sum_t = s->sum_tz = fnni_vzero();
    if (!targets) at_label = x[*label] - fnni_vfirst(s->maximum);
    for (i = 0; i < full; i += FNNI_LANES)
        fnni_entropy_terms(s, 1, m, x + i, targets ? targets + i : NULL,
                           gradient ? gradient + i : NULL);
    if (full < n)
        fnni_entropy_terms(s, 0, m, x + i, targets ? targets + i : NULL,
                           gradient ? gradient + i : NULL);
    sum = fnni_vhsum(s->sum_exp);
    sum_tz = fnni_vhsum(s->sum_tz);
    if (targets) sum_t = fnni_vhsum(s->sum_t);
    else sum_tz = keep * at_label + (share == 0 ? 0 : share * sum_tz);
    if (gradient) {
        const fnni_v ratio = fnni_vset(sum_t / sum);
        for (i = 0; i < full; i += FNNI_LANES)
            fnni_entropy_gradient(s, 1, m, ratio, targets ? targets + i : NULL, gradient + i);
        if (full < n)
            fnni_entropy_gradient(s, 0, m, ratio, targets ? targets + i : NULL, gradient + i);
        if (!targets) gradient[*label] -= fnni_vfirst(s->scale) * keep;
    }
    block->sum_exp[at] = sum;
    block->sum_t[at] = sum_t;
    block->sum_tz[at] = sum_tz;
}

/* t of one vector whose first class is `first`, all lanes. */
FNNI_INLINE fnni_v fnni_entropy_target(const fnni_entropy *s, const int whole, fnni_m m,
                                       ptrdiff_t first, const int32_t *label,
                                       const fnn_real *targets)
{
    const fnni_u lane = fnni_uiota();
    fnni_u at;
    if (targets) return fnni_vfma(s->keep, fnni_get(whole, m, targets + first), s->share);
    /* beyond all lanes when in another vector */
    at = fnni_uset((uint32_t)*label - (uint32_t)first);
    return fnni_vselect(fnni_uge(lane, at),
                        fnni_vselect(fnni_uge(at, lane), fnni_vadd(s->keep, s->share), s->share),
                        s->share);
}

/* One row of one or two vectors, all in registers. */
FNNI_INLINE void fnni_entropy_short(const fnni_entropy *s, const int vectors, ptrdiff_t n,
                                    const fnn_real *x, const int32_t *label,
                                    const fnn_real *targets, fnn_real *gradient,
                                    fnni_entropy_block *block, ptrdiff_t at)
{
    const ptrdiff_t tail = (vectors - 1) * FNNI_LANES;
    const fnni_m m = fnni_vmask(n - tail);
    const fnni_v zero = fnni_vzero();
    fnni_v a, b, ea, eb, ta, tb = zero, ratio;
    fnn_real sum, sum_t = 1, sum_tz;
    fnni_row_load(vectors, m, x, &a, &b);
    fnni_row_reduce(vectors, m, &a, &b);
    ea = a, eb = b;
    fnni_row_exp_short(vectors, m, &ea, &eb);
    ta = fnni_entropy_target(s, vectors > 1, m, 0, label, targets);
    if (vectors > 1) tb = fnni_vselect(m, fnni_entropy_target(s, 0, m, tail, label, targets), zero);
    else ta = fnni_vselect(m, ta, zero);
    sum = fnni_vhsum(vectors > 1 ? fnni_vadd(ea, eb) : ea);
    if (targets) sum_t = fnni_vhsum(fnni_vadd(ta, tb));
    sum_tz = fnni_vhsum(fnni_vadd(fnni_entropy_product(ta, a), fnni_entropy_product(tb, b)));
    if (gradient) {
        ratio = fnni_vset(sum_t / sum);
        fnni_put(vectors > 1, m, gradient,
                 fnni_vmul(s->scale, fnni_vsub(fnni_vmul(ea, ratio), ta)));
        if (vectors > 1)
            fnni_vstore_m(gradient + tail, m,
                          fnni_vmul(s->scale, fnni_vsub(fnni_vmul(eb, ratio), tb)));
    }
    block->sum_exp[at] = sum;
    block->sum_t[at] = sum_t;
    block->sum_tz[at] = sum_tz;
}

FNNI_APART void fnni_entropy_losses(const fnni_entropy_block *block, ptrdiff_t rows,
                                    fnn_real *losses)
{
    ptrdiff_t i;
    for (i = 0; i < rows; i += FNNI_LANES) {
        const fnni_m m = fnni_vmask(rows - i < FNNI_LANES ? rows - i : FNNI_LANES);
        const fnni_v log_sum = fnni_vlog(fnni_vload_m(block->sum_exp + i, m));
        const fnni_v loss = fnni_vmul(log_sum, fnni_vload_m(block->sum_t + i, m));
        fnni_vstore_m(losses + i, m, fnni_vsub(loss, fnni_vload_m(block->sum_tz + i, m)));
    }
}

/* All rows, of one or two vectors or (0) any length; targets, or where that is NULL labels. */
FNNI_INLINE void fnni_entropy_rows(fnni_entropy *s, const int vectors, ptrdiff_t rows, ptrdiff_t n,
                                   const fnn_real *x, const int32_t *label, const fnn_real *targets,
                                   fnn_real *losses, fnn_real *gradient)
{
    fnni_entropy_block block;
    ptrdiff_t row, at;
    for (row = 0; row < rows; row++, x += n) {
        at = row % FNNI_ENTROPY_ROWS;
        if (vectors) fnni_entropy_short(s, vectors, n, x, label, targets, gradient, &block, at);
        else fnni_entropy_row(s, n, x, label, targets, gradient, &block, at);
        if (gradient) gradient += n;
        if (targets) targets += n;
        else label++;
        if (losses && (at == FNNI_ENTROPY_ROWS - 1 || row == rows - 1))
            fnni_entropy_losses(&block, at + 1, losses + (row - at));
    }
}

/* Without rows of two vectors, which are rare: they do not know whether they have targets. */
FNNI_INLINE void fnni_entropy_any(fnni_entropy *s, ptrdiff_t rows, ptrdiff_t n, const fnn_real *x,
                                  const int32_t *label, const fnn_real *targets, fnn_real *losses,
                                  fnn_real *gradient)
{
    if (n <= FNNI_LANES) fnni_entropy_rows(s, 1, rows, n, x, label, targets, losses, gradient);
    else fnni_entropy_rows(s, 0, rows, n, x, label, targets, losses, gradient);
}

FNNI_KERNEL void fnni_softmax_cross_entropy(ptrdiff_t rows, ptrdiff_t classes, const fnn_real *x,
                                            const int32_t *labels, const fnn_real *targets,
                                            fnn_real smoothing, fnn_real scale, fnn_real *losses,
                                            fnn_real *gradient)
{
    fnni_entropy s;
    if (classes <= 0) return;
    s.keep = fnni_vset(1 - smoothing);
    s.share = fnni_vset(smoothing / (fnn_real)classes);
    s.scale = fnni_vset(scale);
    if (classes > FNNI_LANES && classes <= 2 * FNNI_LANES)
        fnni_entropy_rows(&s, 2, rows, classes, x, labels, targets, losses, gradient);
    else if (targets) fnni_entropy_any(&s, rows, classes, x, NULL, targets, losses, gradient);
    else fnni_entropy_any(&s, rows, classes, x, labels, NULL, losses, gradient);
}

/* ---- reductions and small vector algebra ---- */
/* Four accumulators, so that additions need not wait for each other, then (0+1)+(2+3). */
FNNI_KERNEL fnn_real fnni_sum(ptrdiff_t n, const fnn_real *x)
{
    fnni_v a = fnni_vzero(), b = a, c = a, d = a;
    const ptrdiff_t full = fnni_whole(n);
    ptrdiff_t i;
    for (i = 0; i + 4 * FNNI_LANES <= n; i += 4 * FNNI_LANES) {
        a = fnni_vadd(a, fnni_vload(x + i));
        b = fnni_vadd(b, fnni_vload(x + i + FNNI_LANES));
        c = fnni_vadd(c, fnni_vload(x + i + 2 * FNNI_LANES));
        d = fnni_vadd(d, fnni_vload(x + i + 3 * FNNI_LANES));
    }
    for (; i < full; i += FNNI_LANES) a = fnni_vadd(a, fnni_vload(x + i));
    if (full < n) b = fnni_vadd(b, fnni_vload_m(x + i, fnni_vmask(n - i)));
    return fnni_vhsum(fnni_vadd(fnni_vadd(a, b), fnni_vadd(c, d)));
}

FNNI_KERNEL fnn_real fnni_dot(ptrdiff_t n, const fnn_real *x, const fnn_real *y)
{
    fnni_v a = fnni_vzero(), b = a, c = a, d = a;
    const ptrdiff_t full = fnni_whole(n);
    ptrdiff_t i;
    for (i = 0; i + 4 * FNNI_LANES <= n; i += 4 * FNNI_LANES) {
        a = fnni_vfma(fnni_vload(x + i), fnni_vload(y + i), a);
        b = fnni_vfma(fnni_vload(x + i + FNNI_LANES), fnni_vload(y + i + FNNI_LANES), b);
        c = fnni_vfma(fnni_vload(x + i + 2 * FNNI_LANES), fnni_vload(y + i + 2 * FNNI_LANES), c);
        d = fnni_vfma(fnni_vload(x + i + 3 * FNNI_LANES), fnni_vload(y + i + 3 * FNNI_LANES), d);
    }
    for (; i < full; i += FNNI_LANES) a = fnni_vfma(fnni_vload(x + i), fnni_vload(y + i), a);
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i);
        b = fnni_vfma(fnni_vload_m(x + i, m), fnni_vload_m(y + i, m), b);
    }
    return fnni_vhsum(fnni_vadd(fnni_vadd(a, b), fnni_vadd(c, d)));
}

FNNI_KERNEL void fnni_add_scaled(ptrdiff_t n, fnn_real a, const fnn_real *x, fnn_real *y)
{
    const fnni_v factor = fnni_vset(a);
    const ptrdiff_t full = fnni_whole(n);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES)
        fnni_vstore(y + i, fnni_vfma(factor, fnni_vload(x + i), fnni_vload(y + i)));
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i);
        fnni_vstore_m(y + i, m, fnni_vfma(factor, fnni_vload_m(x + i, m), fnni_vload_m(y + i, m)));
    }
}

FNNI_KERNEL void fnni_scale(ptrdiff_t n, fnn_real a, fnn_real *x)
{
    const fnni_v factor = fnni_vset(a);
    const ptrdiff_t full = fnni_whole(n);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES) fnni_vstore(x + i, fnni_vmul(factor, fnni_vload(x + i)));
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i);
        fnni_vstore_m(x + i, m, fnni_vmul(factor, fnni_vload_m(x + i, m)));
    }
}

FNNI_KERNEL void fnni_fill(ptrdiff_t n, fnn_real a, fnn_real *x)
{
    const fnni_v value = fnni_vset(a);
    const ptrdiff_t full = fnni_whole(n);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES) fnni_vstore(x + i, value);
    if (full < n) fnni_vstore_m(x + i, fnni_vmask(n - i), value);
}

/* A strip of `vectors` whole vectors' width, or of one that is masked, down all rows. */
FNNI_INLINE void fnni_column_strip(const int vectors, const int whole, fnni_m m, ptrdiff_t rows,
                                   const fnn_real *x, ptrdiff_t ldx, fnn_real *y)
{
    fnni_v a = fnni_vzero(), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
    for (; rows > 0; rows--, x += ldx) {
        a = fnni_vadd(a, fnni_get(whole, m, x));
        if (vectors > 1) b = fnni_vadd(b, fnni_vload(x + FNNI_LANES));
        if (vectors > 2) c = fnni_vadd(c, fnni_vload(x + 2 * FNNI_LANES));
        if (vectors > 3) d = fnni_vadd(d, fnni_vload(x + 3 * FNNI_LANES));
        if (vectors > 4) e = fnni_vadd(e, fnni_vload(x + 4 * FNNI_LANES));
        if (vectors > 5) f = fnni_vadd(f, fnni_vload(x + 5 * FNNI_LANES));
        if (vectors > 6) g = fnni_vadd(g, fnni_vload(x + 6 * FNNI_LANES));
        if (vectors > 7) h = fnni_vadd(h, fnni_vload(x + 7 * FNNI_LANES));
    }
    fnni_put(whole, m, y, a);
    if (vectors > 1) fnni_vstore(y + FNNI_LANES, b);
    if (vectors > 2) fnni_vstore(y + 2 * FNNI_LANES, c);
    if (vectors > 3) fnni_vstore(y + 3 * FNNI_LANES, d);
    if (vectors > 4) fnni_vstore(y + 4 * FNNI_LANES, e);
    if (vectors > 5) fnni_vstore(y + 5 * FNNI_LANES, f);
    if (vectors > 6) fnni_vstore(y + 6 * FNNI_LANES, g);
    if (vectors > 7) fnni_vstore(y + 7 * FNNI_LANES, h);
}

/* Wide strips first: they read more of each row at a time, and their sums do not wait for
 * each other. Each column's sum is one chain whatever the strip. */
FNNI_KERNEL void fnni_column_sums(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x,
                                  ptrdiff_t ldx, fnn_real *y)
{
    const fnni_m m = fnni_vmask(columns % FNNI_LANES);
    ptrdiff_t left = columns / FNNI_LANES;
    for (; left >= 8; left -= 8, x += 8 * FNNI_LANES, y += 8 * FNNI_LANES)
        fnni_column_strip(8, 1, m, rows, x, ldx, y);
    if (left >= 4) {
        fnni_column_strip(4, 1, m, rows, x, ldx, y);
        left -= 4, x += 4 * FNNI_LANES, y += 4 * FNNI_LANES;
    }
    if (left >= 2) {
        fnni_column_strip(2, 1, m, rows, x, ldx, y);
        left -= 2, x += 2 * FNNI_LANES, y += 2 * FNNI_LANES;
    }
    if (left >= 1) {
        fnni_column_strip(1, 1, m, rows, x, ldx, y);
        x += FNNI_LANES, y += FNNI_LANES;
    }
    if (columns % FNNI_LANES) fnni_column_strip(1, 0, m, rows, x, ldx, y);
}

/* ---- inputs ---- */
/* (x - shift) scale for one vector. */
FNNI_INLINE fnni_v fnni_standardise(const int per_element, const int whole, fnni_m m, fnni_v x,
                                    const fnn_real *shift, const fnn_real *scale)
{
    const fnni_v a = per_element ? fnni_get(whole, m, shift) : fnni_vset(*shift);
    const fnni_v b = per_element ? fnni_get(whole, m, scale) : fnni_vset(*scale);
    return fnni_vmul(fnni_vsub(x, a), b);
}

/* The numbers stand in bytes or, `raw` being 0, in reals; it and per_element are constants. */
FNNI_INLINE void fnni_inputs_loop(const int raw, const int per_element, ptrdiff_t n,
                                  const uint8_t *bytes, const fnn_real *reals,
                                  const fnn_real *shift, const fnn_real *scale, fnn_real *y)
{
    const ptrdiff_t full = fnni_whole(n), step = per_element ? FNNI_LANES : 0;
    const fnni_m m = fnni_vmask(n - full);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES, shift += step, scale += step) {
        const fnni_v x = raw ? fnni_vload_bytes(bytes + i) : fnni_vload(reals + i);
        fnni_vstore(y + i, fnni_standardise(per_element, 1, m, x, shift, scale));
    }
    if (full < n) {
        const fnni_v x = raw ? fnni_vload_bytes_n(bytes + i, n - i) : fnni_vload_m(reals + i, m);
        fnni_vstore_m(y + i, m, fnni_standardise(per_element, 0, m, x, shift, scale));
    }
}

FNNI_KERNEL void fnni_from_bytes(ptrdiff_t n, const uint8_t *x, int per_element,
                                 const fnn_real *shift, const fnn_real *scale, fnn_real *y)
{
    if (per_element) fnni_inputs_loop(1, 1, n, x, NULL, shift, scale, y);
    else fnni_inputs_loop(1, 0, n, x, NULL, shift, scale, y);
}

FNNI_KERNEL void fnni_from_reals(ptrdiff_t n, const fnn_real *x, int per_element,
                                 const fnn_real *shift, const fnn_real *scale, fnn_real *y)
{
    if (per_element) fnni_inputs_loop(0, 1, n, NULL, x, shift, scale, y);
    else fnni_inputs_loop(0, 0, n, NULL, x, shift, scale, y);
}

/* ---- optimiser steps: what they share ---- */
/* A step's numbers in vectors, and what follows from them; formulas at fnni_step. */
typedef struct fnni_stepper {
    fnni_v rate, gradient_scale, clip, l2, l1, keep; /* keep = 1 - rate decay */
    fnni_v momentum, rho, rho_rest, epsilon;
    fnni_v inside, outside;              /* root(s) = sqrt(s + inside) + outside */
    fnni_v put, take;                    /* v = momentum v + put g; w -= take v */
    fnni_v beta2, fresh1, fresh2;        /* fresh = 1 - beta */
    fnni_v corrected, corrected_epsilon; /* the rate and epsilon of Adam */
    int clip_penalty, nesterov, has_momentum;
} fnni_stepper;

FNNI_INLINE fnni_stepper fnni_stepper_open(const fnni_step *step)
{
    const fnn_real fresh = 1 - step->dampening;
    const fnni_v root = fnni_vsqrt(fnni_vset(step->correction2));
    fnni_stepper s;
    s.rate = fnni_vset(step->rate);
    s.gradient_scale = fnni_vset(step->gradient_scale);
    s.clip = fnni_vset(step->clip > 0 ? step->clip : (fnn_real)INFINITY);
    s.l2 = fnni_vset(step->l2);
    s.l1 = fnni_vset(step->l1);
    s.keep = fnni_vset(1 - step->rate * step->decay);
    s.momentum = fnni_vset(step->momentum);
    s.rho = fnni_vset(step->rho);
    s.rho_rest = fnni_vset(1 - step->rho);
    s.epsilon = fnni_vset(step->epsilon);
    s.inside = fnni_vset(step->epsilon_inside ? step->epsilon : 0);
    s.outside = fnni_vset(step->epsilon_inside ? 0 : step->epsilon);
    s.put = fnni_vset(step->rate_inside ? step->rate * fresh : fresh);
    s.take = fnni_vset(step->rate_inside ? 1 : step->rate);
    s.beta2 = fnni_vset(step->beta2);
    s.fresh1 = fnni_vset(1 - step->beta1);
    s.fresh2 = fnni_vset(1 - step->beta2);
    s.corrected = fnni_vmul(fnni_vset(step->rate / step->correction1), root);
    s.corrected_epsilon = step->epsilon_corrected ? fnni_vmul(s.epsilon, root) : s.epsilon;
    s.clip_penalty = step->clip_penalty;
    s.nesterov = step->nesterov;
    s.has_momentum = step->momentum != 0;
    return s;
}

/* Whether the step has neither clip nor l1: most have not, and brief loops get short. */
FNNI_INLINE int fnni_step_plain(const fnni_step *step)
{
    return !(step->clip > 0) && step->l1 == 0 && !step->clip_penalty;
}

/* g' of the step. */
FNNI_INLINE fnni_v fnni_step_gradient(const fnni_stepper *s, const int plain, fnni_v w, fnni_v g)
{
    const fnni_v zero = fnni_vzero();
    fnni_v penalty;
    if (plain) return fnni_vfma(s->l2, w, fnni_vmul(s->gradient_scale, g));
    penalty = fnni_vselect(fnni_vgt(zero, w), fnni_vsub(zero, s->l1), zero);
    penalty = fnni_vfma(s->l2, w, fnni_vselect(fnni_vgt(w, zero), s->l1, penalty));
    if (s->clip_penalty) {
        g = fnni_vadd(g, penalty);
        penalty = zero;
    }
    g = fnni_vmul(s->gradient_scale, g);
    g = fnni_vmin(s->clip, fnni_vmax(fnni_vsub(zero, s->clip), g)); /* NaN stays NaN */
    return fnni_vadd(g, penalty);
}

/* The new weight. */
FNNI_INLINE fnni_v fnni_step_weight(const fnni_stepper *s, fnni_v w, fnni_v factor, fnni_v update)
{
    return fnni_vfnma(factor, update, fnni_vmul(s->keep, w));
}

FNNI_INLINE fnni_v fnni_step_root(const fnni_stepper *s, fnni_v square)
{
    return fnni_vadd(fnni_vsqrt(fnni_vadd(square, s->inside)), s->outside);
}

/* ---- optimiser steps: the formulas ---- */
/* Of each optimiser the new weight, found by its word: of the weight w and g' of the step, with the
 * state at p and q (whole, m: fnni_get). */
#define FNNI_STEP(word)                                                                          \
    FNNI_INLINE fnni_v FNNI_NAME(step_##word)(const fnni_stepper *s, fnni_v w, fnni_v g,         \
                                              const int whole FNNI_UNUSED, fnni_m m FNNI_UNUSED, \
                                              fnn_real *p FNNI_UNUSED, fnn_real *q FNNI_UNUSED)

/* w -= rate g' */
FNNI_STEP(sgd)
{
    return fnni_step_weight(s, w, s->rate, g);
}

/* Polyak 1964; Nesterov's form as Sutskever et al. 2013:
 *     v = momentum v + (1 - dampening) g';  w -= rate v, or nesterov: rate (g' + momentum v)
 *     rate_inside: v = momentum v + rate g';  w -= v, or nesterov: rate g' + momentum v */
FNNI_STEP(momentum)
{
    const fnni_v fresh = fnni_vmul(s->put, g);
    const fnni_v velocity = fnni_vfma(s->momentum, fnni_get(whole, m, p), fresh);
    const fnni_v update = s->nesterov ? fnni_vfma(s->momentum, velocity, fresh) : velocity;
    fnni_put(whole, m, p, velocity);
    return fnni_step_weight(s, w, s->take, update);
}

/* Duchi, Hazan and Singer 2011: s += g'^2;  w -= rate g' / root(s) */
FNNI_STEP(adagrad)
{
    const fnni_v sum = fnni_vfma(g, g, fnni_get(whole, m, p));
    fnni_put(whole, m, p, sum);
    return fnni_step_weight(s, w, s->rate, fnni_vdiv(g, fnni_step_root(s, sum)));
}

/* rho s + (1 - rho) x^2 */
FNNI_INLINE fnni_v fnni_step_mean(const fnni_stepper *s, fnni_v square, fnni_v x)
{
    return fnni_vfma(s->rho, square, fnni_vmul(s->rho_rest, fnni_vmul(x, x)));
}

/* Zeiler 2012; epsilon stands inside both roots in Keras, in PyTorch and in the paper:
 *     s = rho s + (1 - rho) g'^2;  u = g' sqrt((d + epsilon) / (s + epsilon));
 *     d = rho d + (1 - rho) u^2;  w -= rate u */
FNNI_STEP(adadelta)
{
    const fnni_v delta = fnni_get(whole, m, q);
    const fnni_v square = fnni_step_mean(s, fnni_get(whole, m, p), g);
    const fnni_v ratio = fnni_vdiv(fnni_vadd(delta, s->epsilon), fnni_vadd(square, s->epsilon));
    const fnni_v update = fnni_vmul(g, fnni_vsqrt(ratio));
    fnni_put(whole, m, p, square);
    fnni_put(whole, m, q, fnni_step_mean(s, delta, update));
    return fnni_step_weight(s, w, s->rate, update);
}

/* Tieleman and Hinton 2012: s = rho s + (1 - rho) g'^2;  u = g' / root(s);  w -= rate u, or with
 * momentum, which alone uses v, as above with u for g' and no nesterov */
FNNI_STEP(rmsprop)
{
    const fnni_v square = fnni_step_mean(s, fnni_get(whole, m, p), g);
    fnni_v update = fnni_vdiv(g, fnni_step_root(s, square));
    fnni_put(whole, m, p, square);
    if (s->has_momentum) {
        update = fnni_vfma(s->momentum, fnni_get(whole, m, q), fnni_vmul(s->put, update));
        fnni_put(whole, m, q, update);
    }
    return fnni_step_weight(s, w, s->has_momentum ? s->take : s->rate, update);
}

/* Kingma and Ba 2015:
 *     m = beta1 m + (1 - beta1) g';  v = beta2 v + (1 - beta2) g'^2;
 *     w -= rate sqrt(correction2) / correction1 m / (sqrt(v) + epsilon')
 * in the form of its section 2's last paragraph: both corrections go into the rate. PyTorch's
 * epsilon, which stands beside sqrt(v / correction2), is then multiplied by sqrt(correction2);
 * Keras' is taken as it is. */
FNNI_STEP(adam)
{
    const fnni_v before = fnni_get(whole, m, p);
    const fnni_v first = fnni_vfma(s->fresh1, fnni_vsub(g, before), before);
    const fnni_v second =
        fnni_vfma(s->beta2, fnni_get(whole, m, q), fnni_vmul(s->fresh2, fnni_vmul(g, g)));
    const fnni_v root = fnni_vadd(fnni_vsqrt(second), s->corrected_epsilon);
    fnni_put(whole, m, p, first);
    fnni_put(whole, m, q, second);
    return fnni_step_weight(s, w, s->corrected, fnni_vdiv(first, root));
}

/* ---- optimiser steps: the loop ---- */
/* The formula, plain and states are constants wherever these are called. */
typedef fnni_v (*fnni_formula)(const fnni_stepper *s, fnni_v w, fnni_v g, const int whole, fnni_m m,
                               fnn_real *p, fnn_real *q);

FNNI_INLINE void fnni_step_vector(const fnni_formula formula, const fnni_stepper *s,
                                  const int plain, const int whole, fnni_m m, fnn_real *w,
                                  const fnn_real *g, fnn_real *p, fnn_real *q)
{
    const fnni_v weight = fnni_get(whole, m, w);
    const fnni_v gradient = fnni_step_gradient(s, plain, weight, fnni_get(whole, m, g));
    fnni_put(whole, m, w, formula(s, weight, gradient, whole, m, p, q));
}

FNNI_INLINE void fnni_step_loop(const fnni_formula formula, const int states, const int plain,
                                ptrdiff_t n, const fnni_step *step, fnn_real *w, const fnn_real *g,
                                fnn_real *p, fnn_real *q)
{
    const fnni_stepper s = fnni_stepper_open(step);
    const ptrdiff_t full = fnni_whole(n);
    const fnni_m m = fnni_vmask(n - full);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES)
        fnni_step_vector(formula, &s, plain, 1, m, w + i, g + i, states > 0 ? p + i : p,
                         states > 1 ? q + i : q);
    if (full < n)
        fnni_step_vector(formula, &s, plain, 0, m, w + i, g + i, states > 0 ? p + i : p,
                         states > 1 ? q + i : q);
}

FNNI_KERNEL void fnni_optimizer_step(fnn_optimizer_kind kind, ptrdiff_t n, const fnni_step *step,
                                     fnn_real *w, const fnn_real *g, fnn_real *s, fnn_real *v)
{
    const int plain = fnni_step_plain(step);
#define FNNI_STEP_CASE(name, word, states, traits, epsilon, rho)                           \
    case name:                                                                             \
        if (plain) fnni_step_loop(FNNI_NAME(step_##word), states, 1, n, step, w, g, s, v); \
        else fnni_step_loop(FNNI_NAME(step_##word), states, 0, n, step, w, g, s, v);       \
        break;
    switch ((int)kind) {
        FNN_OPTIMIZER_LIST(FNNI_STEP_CASE)
    }
}

/* ---- windows over an image ---- */
/* What window number `at` covers of one axis: `count` positions from `first` on, `skipped` of
 * the window's own lying before the image. */
typedef struct fnni_reach {
    ptrdiff_t first, count, skipped;
} fnni_reach;

FNNI_INLINE fnni_reach fnni_reach_of(int at, int length, int kernel, int stride, int pad)
{
    const int64_t start = (int64_t)at * stride - pad, end = start + kernel;
    fnni_reach reach;
    reach.skipped = start < 0 ? (ptrdiff_t)-start : 0;
    reach.first = (ptrdiff_t)start + reach.skipped;
    reach.count = (ptrdiff_t)(end < length ? end : length) - reach.first;
    return reach;
}

FNNI_INLINE fnni_reach fnni_reach_down(const fnn_window *w, int i)
{
    return fnni_reach_of(i, w->height, w->kernel_height, w->stride_height, w->pad_top);
}

FNNI_INLINE fnni_reach fnni_reach_across(const fnn_window *w, int j)
{
    return fnni_reach_of(j, w->width, w->kernel_width, w->stride_width, w->pad_left);
}

/* The part of a window inside the image: rows x columns pixels of `channels`, `line` reals from
 * one row to the next. The first is number `position` of the window's own. The next windows of
 * the row, `count` of them with this one, have the same part, each `step` reals further on. */
typedef struct fnni_patch {
    ptrdiff_t rows, columns, channels, line, offset; /* offset: of the first pixel, in reals */
    ptrdiff_t count, step;
    unsigned position, kernel_width;
    int square; /* all of a window of 2 x 2, the usual one, which has loops of its own */
} fnni_patch;

FNNI_INLINE fnni_patch fnni_patch_of(const fnn_window *w, const fnni_reach *down, int j)
{
    const fnni_reach across = fnni_reach_across(w, j);
    fnni_patch p;
    p.rows = down->count;
    p.columns = across.count;
    p.channels = w->channels;
    p.line = (ptrdiff_t)w->width * w->channels;
    p.offset = down->first * p.line + across.first * p.channels;
    p.count = 1;
    if (across.count == w->kernel_width) {
        const int more = (w->width - (int)across.first - w->kernel_width) / w->stride_width;
        p.count += more < w->out_width - 1 - j ? more : w->out_width - 1 - j;
    }
    p.step = p.count > 1 ? (ptrdiff_t)w->stride_width * w->channels : 0;
    p.position = (unsigned)down->skipped * (unsigned)w->kernel_width + (unsigned)across.skipped;
    p.kernel_width = (unsigned)w->kernel_width;
    p.square = p.rows == 2 && p.columns == 2 && p.position == 0 && w->kernel_width == 2;
    return p;
}

FNNI_INLINE fnni_b fnni_bget(const int whole, ptrdiff_t n, const uint8_t *p)
{
    return whole ? fnni_bload(p) : fnni_bload_n(p, n);
}

FNNI_INLINE void fnni_bput(const int whole, ptrdiff_t n, uint8_t *p, fnni_b b)
{
    if (whole) fnni_bstore(p, b);
    else fnni_bstore_n(p, n, b);
}

/* ---- pooling ---- */
/* One vector of channels of one window, in each of the functions up to the kernels; of n < LANES
 * channels in a tail. The first maximum wins since only what is above it takes its place; of
 * NaN the last one wins, as in PyTorch. */
FNNI_INLINE void fnni_max_window(const fnni_patch *p, const int whole, ptrdiff_t n, fnni_m m,
                                 const fnn_real *x, fnn_real *y, uint8_t *index)
{
    fnni_v best = fnni_get(whole, m, x);
    fnni_b at = fnni_bset(p->position);
    ptrdiff_t r, c;
    for (r = 0; r < p->rows; r++)
        for (c = 0; c < p->columns; c++) {
            const fnni_v value = fnni_get(whole, m, x + r * p->line + c * p->channels);
            const fnni_m take = fnni_vabove(value, best);
            const unsigned position = p->position + (unsigned)r * p->kernel_width + (unsigned)c;
            best = fnni_vselect(take, value, best);
            at = fnni_bselect(take, fnni_bset(position), at);
        }
    fnni_put(whole, m, y, best);
    if (index) fnni_bput(whole, n, index, at);
}

/* The same of a whole window of 2 x 2. */
FNNI_INLINE void fnni_max_square(const fnni_patch *p, const int indexed, const int whole,
                                 ptrdiff_t n, fnni_m m, const fnn_real *x, fnn_real *y,
                                 uint8_t *index)
{
    const fnni_v a = fnni_get(whole, m, x), b = fnni_get(whole, m, x + p->channels);
    const fnn_real *beneath = x + p->line;
    const fnni_v c = fnni_get(whole, m, beneath), d = fnni_get(whole, m, beneath + p->channels);
    const fnni_m right = fnni_vabove(b, a), low_right = fnni_vabove(d, c);
    const fnni_v high = fnni_vselect(right, b, a), low = fnni_vselect(low_right, d, c);
    const fnni_m below = fnni_vabove(low, high);
    fnni_put(whole, m, y, fnni_vselect(below, low, high));
    if (indexed) {
        const fnni_b upper = fnni_bselect(right, fnni_bset(1), fnni_bset(0));
        const fnni_b lower = fnni_bselect(low_right, fnni_bset(3), fnni_bset(2));
        fnni_bput(whole, n, index, fnni_bselect(below, lower, upper));
    }
}

/* One of the two; `square` and `indexed` are constants. */
FNNI_INLINE void fnni_max_either(const fnni_patch *p, const int square, const int indexed,
                                 const int whole, ptrdiff_t n, fnni_m m, const fnn_real *x,
                                 fnn_real *y, uint8_t *index)
{
    if (square) fnni_max_square(p, indexed, whole, n, m, x, y, index);
    else fnni_max_window(p, whole, n, m, x, y, index);
}

/* The windows of a patch, all their channels. */
FNNI_INLINE void fnni_max_run(const fnni_patch *p, const int square, const int indexed,
                              const fnn_real *x, fnn_real *y, uint8_t *index)
{
    const ptrdiff_t full = fnni_whole(p->channels), n = p->channels - full;
    const fnni_m m = fnni_vmask(n);
    ptrdiff_t left, i;
    for (left = p->count; left > 0; left--, x += p->step, y += p->channels) {
        for (i = 0; i < full; i += FNNI_LANES)
            fnni_max_either(p, square, indexed, 1, 0, m, x + i, y + i, indexed ? index + i : NULL);
        if (n > 0)
            fnni_max_either(p, square, indexed, 0, n, m, x + i, y + i, indexed ? index + i : NULL);
        if (indexed) index += p->channels;
    }
}

FNNI_KERNEL void fnni_max_pool(const fnn_window *w, const fnn_real *x, fnn_real *y, uint8_t *index)
{
    int i, j;
    for (i = 0; i < w->out_height; i++) {
        const fnni_reach down = fnni_reach_down(w, i);
        for (j = 0; j < w->out_width;) {
            const fnni_patch p = fnni_patch_of(w, &down, j);
            if (p.square && index) fnni_max_run(&p, 1, 1, x + p.offset, y, index);
            else if (p.square) fnni_max_run(&p, 1, 0, x + p.offset, y, NULL);
            else fnni_max_run(&p, 0, index != NULL, x + p.offset, y, index);
            y += p.count * p.channels;
            if (index) index += p.count * p.channels;
            j += (int)p.count;
        }
    }
}

/* Where no other window reaches, dx is what one of them gives: of a maximum (index) dy at its
 * place, of a mean (index NULL) dy / size everywhere. `mean` is a constant. */
FNNI_INLINE fnni_v fnni_given(const int mean, fnni_b at, unsigned position, fnni_v value)
{
    return mean ? value : fnni_vselect(fnni_beq(at, fnni_bset(position)), value, fnni_vzero());
}

FNNI_INLINE void fnni_give_window(const fnni_patch *p, const int mean, const int square,
                                  const int whole, ptrdiff_t n, fnni_m m, const uint8_t *index,
                                  fnni_v share, const fnn_real *dy, fnn_real *dx)
{
    const fnni_v given = fnni_get(whole, m, dy), value = mean ? fnni_vmul(share, given) : given;
    const fnni_b at = mean ? fnni_bset(0) : fnni_bget(whole, n, index);
    ptrdiff_t r, c;
    if (square) {
        fnn_real *low = dx + p->line;
        fnni_put(whole, m, dx, fnni_given(mean, at, 0, value));
        fnni_put(whole, m, dx + p->channels, fnni_given(mean, at, 1, value));
        fnni_put(whole, m, low, fnni_given(mean, at, 2, value));
        fnni_put(whole, m, low + p->channels, fnni_given(mean, at, 3, value));
        return;
    }
    for (r = 0; r < p->rows; r++) {
        const unsigned position = p->position + (unsigned)r * p->kernel_width;
        for (c = 0; c < p->columns; c++)
            fnni_put(whole, m, dx + r * p->line + c * p->channels,
                     fnni_given(mean, at, position + (unsigned)c, value));
    }
}

FNNI_INLINE void fnni_give_run(const fnni_patch *p, const int mean, const int square,
                               const uint8_t *index, const fnn_real *dy, fnn_real *dx)
{
    const ptrdiff_t full = fnni_whole(p->channels), n = p->channels - full;
    const fnni_v share = fnni_vset(1 / (fnn_real)(p->rows * p->columns));
    const fnni_m m = fnni_vmask(n);
    ptrdiff_t left, i;
    for (left = p->count; left > 0; left--, dx += p->step, dy += p->channels) {
        for (i = 0; i < full; i += FNNI_LANES)
            fnni_give_window(p, mean, square, 1, 0, m, mean ? NULL : index + i, share, dy + i,
                             dx + i);
        if (n > 0)
            fnni_give_window(p, mean, square, 0, n, m, mean ? NULL : index + i, share, dy + i,
                             dx + i);
        if (!mean) index += p->channels;
    }
}

/* Windows that lie side by side: each writes its own part of dx, and zeros go where none is. */
FNNI_INLINE void fnni_back_apart(const int mean, const fnn_window *w, const uint8_t *index,
                                 const fnn_real *dy, fnn_real *dx)
{
    const ptrdiff_t line = (ptrdiff_t)w->width * w->channels;
    ptrdiff_t below = 0; /* the first row that no window has reached */
    int i, j;
    for (i = 0; i < w->out_height; i++) {
        const fnni_reach down = fnni_reach_down(w, i);
        ptrdiff_t right = 0, r; /* and in its rows the first real */
        for (j = 0; j < w->out_width;) {
            const fnni_patch p = fnni_patch_of(w, &down, j);
            if (p.square) fnni_give_run(&p, mean, 1, index, dy, dx + p.offset);
            else fnni_give_run(&p, mean, 0, index, dy, dx + p.offset);
            if (!mean) index += p.count * p.channels;
            dy += p.count * p.channels;
            j += (int)p.count;
            right = p.offset - down.first * line + (p.count - 1) * p.step + p.columns * p.channels;
        }
        below = down.first + down.count;
        for (r = down.first; right < line && r < below; r++)
            fnni_fill(line - right, 0, dx + r * line + right);
    }
    fnni_fill((w->height - below) * line, 0, dx + below * line);
}

/* Whether windows neither overlap nor leave gaps between them. */
FNNI_INLINE int fnni_windows_apart(const fnn_window *w)
{
    return w->kernel_height == w->stride_height && w->kernel_width == w->stride_width;
}

/* The windows that see pixel `at` of one axis: numbers first..end - 1, perhaps none. */
typedef struct fnni_seen {
    int first, end;
} fnni_seen;

FNNI_INLINE fnni_seen fnni_seen_by(int at, int kernel, int stride, int pad, int out)
{
    const int64_t from = (int64_t)at + pad - kernel + 1, last = ((int64_t)at + pad) / stride;
    fnni_seen seen;
    seen.first = from <= 0 ? 0 : (int)((from + stride - 1) / stride);
    seen.end = last < out ? (int)last + 1 : out;
    return seen;
}

FNNI_INLINE fnni_seen fnni_seen_down(const fnn_window *w, int row)
{
    return fnni_seen_by(row, w->kernel_height, w->stride_height, w->pad_top, w->out_height);
}

FNNI_INLINE fnni_seen fnni_seen_across(const fnn_window *w, int column)
{
    return fnni_seen_by(column, w->kernel_width, w->stride_width, w->pad_left, w->out_width);
}

/* dx of one vector of channels at pixel (row, column): what the windows that see it give. */
FNNI_INLINE void fnni_max_gather(const fnn_window *w, int row, int column, const fnni_seen *down,
                                 const fnni_seen *across, const int whole, ptrdiff_t n, fnni_m m,
                                 const uint8_t *index, const fnn_real *dy, fnn_real *dx)
{
    fnni_v sum = fnni_vzero();
    int i, j;
    for (i = down->first; i < down->end; i++)
        for (j = across->first; j < across->end; j++) {
            const ptrdiff_t at = ((ptrdiff_t)i * w->out_width + j) * w->channels;
            /* Unsigned, since row + pad_top may leave int on the way to a small number. */
            const unsigned kh =
                (unsigned)row + (unsigned)w->pad_top - (unsigned)i * (unsigned)w->stride_height;
            const unsigned kw =
                (unsigned)column + (unsigned)w->pad_left - (unsigned)j * (unsigned)w->stride_width;
            const fnni_b position = fnni_bset(kh * (unsigned)w->kernel_width + kw);
            const fnni_m here = fnni_beq(fnni_bget(whole, n, index + at), position);
            sum = fnni_vadd(sum, fnni_vselect(here, fnni_get(whole, m, dy + at), fnni_vzero()));
        }
    fnni_put(whole, m, dx, sum);
}

FNNI_KERNEL void fnni_max_pool_backward(const fnn_window *w, const uint8_t *index,
                                        const fnn_real *dy, fnn_real *dx)
{
    const ptrdiff_t full = fnni_whole(w->channels), n = w->channels - full;
    const fnni_m m = fnni_vmask(n);
    ptrdiff_t i;
    int row, column;
    if (fnni_windows_apart(w)) {
        fnni_back_apart(0, w, index, dy, dx);
        return;
    }
    for (row = 0; row < w->height; row++) {
        const fnni_seen down = fnni_seen_down(w, row);
        for (column = 0; column < w->width; column++, dx += w->channels) {
            const fnni_seen across = fnni_seen_across(w, column);
            for (i = 0; i < full; i += FNNI_LANES)
                fnni_max_gather(w, row, column, &down, &across, 1, 0, m, index + i, dy + i, dx + i);
            if (n > 0)
                fnni_max_gather(w, row, column, &down, &across, 0, n, m, index + i, dy + i, dx + i);
        }
    }
}

/* Neighbours are summed apart, so that not every addition waits for the last one. */
FNNI_INLINE void fnni_average_window(const fnni_patch *p, const int square, const int whole,
                                     fnni_m m, fnni_v share, const fnn_real *x, fnn_real *y)
{
    fnni_v sum = fnni_vzero(), other = sum;
    ptrdiff_t r, c;
    if (square) {
        const fnn_real *low = x + p->line;
        sum = fnni_vadd(fnni_get(whole, m, x), fnni_get(whole, m, x + p->channels));
        other = fnni_vadd(fnni_get(whole, m, low), fnni_get(whole, m, low + p->channels));
    }
    for (r = 0; !square && r < p->rows; r++) {
        const fnn_real *from = x + r * p->line;
        for (c = 0; c + 2 <= p->columns; c += 2, from += 2 * p->channels) {
            sum = fnni_vadd(sum, fnni_get(whole, m, from));
            other = fnni_vadd(other, fnni_get(whole, m, from + p->channels));
        }
        if (c < p->columns) sum = fnni_vadd(sum, fnni_get(whole, m, from));
    }
    fnni_put(whole, m, y, fnni_vmul(share, fnni_vadd(sum, other)));
}

FNNI_INLINE void fnni_average_run(const fnni_patch *p, const int square, const fnn_real *x,
                                  fnn_real *y)
{
    const ptrdiff_t full = fnni_whole(p->channels);
    const fnni_v share = fnni_vset(1 / (fnn_real)(p->rows * p->columns));
    const fnni_m m = fnni_vmask(p->channels - full);
    ptrdiff_t left, i;
    for (left = p->count; left > 0; left--, x += p->step, y += p->channels) {
        for (i = 0; i < full; i += FNNI_LANES)
            fnni_average_window(p, square, 1, m, share, x + i, y + i);
        if (full < p->channels) fnni_average_window(p, square, 0, m, share, x + i, y + i);
    }
}

FNNI_KERNEL void fnni_average_pool(const fnn_window *w, const fnn_real *x, fnn_real *y)
{
    int i, j;
    for (i = 0; i < w->out_height; i++) {
        const fnni_reach down = fnni_reach_down(w, i);
        for (j = 0; j < w->out_width;) {
            const fnni_patch p = fnni_patch_of(w, &down, j);
            if (p.square) fnni_average_run(&p, 1, x + p.offset, y);
            else fnni_average_run(&p, 0, x + p.offset, y);
            y += p.count * p.channels;
            j += (int)p.count;
        }
    }
}

FNNI_INLINE void fnni_average_gather(const fnn_window *w, const fnni_seen *down,
                                     const fnni_seen *across, const int whole, fnni_m m,
                                     const fnn_real *dy, fnn_real *dx)
{
    fnni_v sum = fnni_vzero();
    int i, j;
    for (i = down->first; i < down->end; i++) {
        const ptrdiff_t rows = fnni_reach_down(w, i).count;
        for (j = across->first; j < across->end; j++) {
            const fnn_real *from = dy + ((ptrdiff_t)i * w->out_width + j) * w->channels;
            const ptrdiff_t columns = fnni_reach_across(w, j).count;
            const fnni_v share = fnni_vset(1 / (fnn_real)(rows * columns));
            sum = fnni_vfma(share, fnni_get(whole, m, from), sum);
        }
    }
    fnni_put(whole, m, dx, sum);
}

FNNI_KERNEL void fnni_average_pool_backward(const fnn_window *w, const fnn_real *dy, fnn_real *dx)
{
    const ptrdiff_t full = fnni_whole(w->channels), n = w->channels - full;
    const fnni_m m = fnni_vmask(n);
    ptrdiff_t i;
    int row, column;
    if (fnni_windows_apart(w)) {
        fnni_back_apart(1, w, NULL, dy, dx);
        return;
    }
    for (row = 0; row < w->height; row++) {
        const fnni_seen down = fnni_seen_down(w, row);
        for (column = 0; column < w->width; column++, dx += w->channels) {
            const fnni_seen across = fnni_seen_across(w, column);
            for (i = 0; i < full; i += FNNI_LANES)
                fnni_average_gather(w, &down, &across, 1, m, dy + i, dx + i);
            if (n > 0) fnni_average_gather(w, &down, &across, 0, m, dy + i, dx + i);
        }
    }
}

/* ---- im2col ---- */
FNNI_KERNEL void fnni_im2col(const fnn_window *w, const fnn_real *x, fnn_real *columns)
{
    const ptrdiff_t width = (ptrdiff_t)w->kernel_width * w->channels;
    int i, j, kh;
    for (i = 0; i < w->out_height; i++) {
        const fnni_reach down = fnni_reach_down(w, i);
        for (j = 0; j < w->out_width; j++) {
            const fnni_reach across = fnni_reach_across(w, j);
            const ptrdiff_t before = across.skipped * w->channels, n = across.count * w->channels;
            const fnn_real *from = x + (down.first * w->width + across.first) * w->channels;
            for (kh = 0; kh < w->kernel_height; kh++, columns += width) {
                const ptrdiff_t r = kh - down.skipped;
                if (r < 0 || r >= down.count) {
                    fnni_fill(width, 0, columns);
                    continue;
                }
                fnni_fill(before, 0, columns);
                fnni_copy(n, from + r * w->width * w->channels, columns + before);
                fnni_fill(width - before - n, 0, columns + before + n);
            }
        }
    }
}

FNNI_KERNEL void fnni_col2im(const fnn_window *w, const fnn_real *columns, fnn_real *dx)
{
    const ptrdiff_t width = (ptrdiff_t)w->kernel_width * w->channels;
    const ptrdiff_t line = (ptrdiff_t)w->width * w->channels;
    ptrdiff_t r;
    int i, j;
    fnni_fill(w->height * line, 0, dx);
    for (i = 0; i < w->out_height; i++) {
        const fnni_reach down = fnni_reach_down(w, i);
        for (j = 0; j < w->out_width; j++, columns += w->kernel_height * width) {
            const fnni_patch p = fnni_patch_of(w, &down, j);
            const fnn_real *from = columns + (ptrdiff_t)p.position * w->channels;
            for (r = 0; r < p.rows; r++)
                fnni_add_scaled(p.columns * p.channels, 1, from + r * width,
                                dx + p.offset + r * line);
        }
    }
}

/* ---- normalisation: sums and maps with numbers for each column ---- */
/* sum += g, product += g d with d = x - pivot and g = dy, or without `both` g = d. */
FNNI_INLINE void fnni_sums_vector(const int both, const int whole, fnni_m m, fnni_v pivot,
                                  const fnn_real *dy, const fnn_real *x, fnni_v *sum,
                                  fnni_v *product)
{
    const fnni_v d = fnni_vsub(fnni_get(whole, m, x), pivot);
    const fnni_v g = both ? fnni_get(whole, m, dy) : d;
    *sum = fnni_vadd(*sum, g);
    *product = fnni_vfma(g, d, *product);
}

FNNI_INLINE void fnni_sums_put(const int whole, fnni_m m, fnni_v sum, fnn_real *sums)
{
    fnni_put(whole, m, sums, fnni_vadd(fnni_get(whole, m, sums), sum));
}

/* A strip of 4, 2 or 1 vectors' width, 1, 2 or 4 rows at a time: four pairs of sums in any case,
 * so that additions need not wait for each other. */
FNNI_INLINE void fnni_sums_strip(const int both, const int vectors, const int whole, fnni_m m,
                                 ptrdiff_t rows, const fnn_real *dy, const fnn_real *x,
                                 ptrdiff_t ld, const fnn_real *pivot, fnn_real *sums,
                                 fnn_real *products)
{
    const int flight = 4 / vectors;
    const ptrdiff_t at1 = vectors > 1 ? FNNI_LANES : ld;
    const ptrdiff_t at2 = vectors > 2 ? 2 * FNNI_LANES : vectors > 1 ? ld : 2 * ld;
    const ptrdiff_t at3 = vectors > 2 ? 3 * FNNI_LANES : vectors > 1 ? ld + FNNI_LANES : 3 * ld;
    const fnni_v p0 = fnni_get(whole, m, pivot);
    const fnni_v p1 = vectors > 1 ? fnni_vload(pivot + FNNI_LANES) : p0;
    const fnni_v p2 = vectors > 2 ? fnni_vload(pivot + 2 * FNNI_LANES) : p0;
    const fnni_v p3 = vectors > 2 ? fnni_vload(pivot + 3 * FNNI_LANES) : p1;
    fnni_v s0 = fnni_vzero(), s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
    for (; rows >= flight; rows -= flight, dy += flight * ld, x += flight * ld) {
        fnni_sums_vector(both, whole, m, p0, dy, x, &s0, &t0);
        fnni_sums_vector(both, whole, m, p1, dy + at1, x + at1, &s1, &t1);
        fnni_sums_vector(both, whole, m, p2, dy + at2, x + at2, &s2, &t2);
        fnni_sums_vector(both, whole, m, p3, dy + at3, x + at3, &s3, &t3);
    }
    for (; rows > 0; rows--, dy += ld, x += ld) {
        fnni_sums_vector(both, whole, m, p0, dy, x, &s0, &t0);
        if (vectors > 1) fnni_sums_vector(both, 1, m, p1, dy + at1, x + at1, &s1, &t1);
    }
    if (vectors == 1) {
        s0 = fnni_vadd(s0, s1), s1 = fnni_vadd(s2, s3);
        t0 = fnni_vadd(t0, t1), t1 = fnni_vadd(t2, t3);
    } else if (vectors == 2) {
        s0 = fnni_vadd(s0, s2), s1 = fnni_vadd(s1, s3);
        t0 = fnni_vadd(t0, t2), t1 = fnni_vadd(t1, t3);
    }
    if (vectors == 1) s0 = fnni_vadd(s0, s1), t0 = fnni_vadd(t0, t1);
    fnni_sums_put(whole, m, s0, sums);
    fnni_sums_put(whole, m, t0, products);
    if (vectors > 1) {
        fnni_sums_put(1, m, s1, sums + FNNI_LANES);
        fnni_sums_put(1, m, t1, products + FNNI_LANES);
    }
    if (vectors > 2) {
        fnni_sums_put(1, m, s2, sums + 2 * FNNI_LANES);
        fnni_sums_put(1, m, t2, products + 2 * FNNI_LANES);
        fnni_sums_put(1, m, s3, sums + 3 * FNNI_LANES);
        fnni_sums_put(1, m, t3, products + 3 * FNNI_LANES);
    }
}

FNNI_INLINE void fnni_sums_columns(const int both, ptrdiff_t rows, ptrdiff_t columns,
                                   const fnn_real *dy, const fnn_real *x, ptrdiff_t ld,
                                   const fnn_real *pivot, fnn_real *sums, fnn_real *products)
{
    const fnni_m m = fnni_vmask(columns % FNNI_LANES);
    ptrdiff_t j = 0;
    for (; j + 4 * FNNI_LANES <= columns; j += 4 * FNNI_LANES)
        fnni_sums_strip(both, 4, 1, m, rows, dy + j, x + j, ld, pivot + j, sums + j, products + j);
    if (j + 2 * FNNI_LANES <= columns) {
        fnni_sums_strip(both, 2, 1, m, rows, dy + j, x + j, ld, pivot + j, sums + j, products + j);
        j += 2 * FNNI_LANES;
    }
    if (j + FNNI_LANES <= columns) {
        fnni_sums_strip(both, 1, 1, m, rows, dy + j, x + j, ld, pivot + j, sums + j, products + j);
        j += FNNI_LANES;
    }
    if (j < columns)
        fnni_sums_strip(both, 1, 0, m, rows, dy + j, x + j, ld, pivot + j, sums + j, products + j);
}

/* Rows that fill no vector and stand close: how many of them make a row of whole vectors, four at
 * the most where that can be. */
FNNI_INLINE ptrdiff_t fnni_rows_together(ptrdiff_t columns)
{
    ptrdiff_t rows = FNNI_LANES;
    while (columns * rows > 4 * FNNI_LANES && columns * (rows / 2) % FNNI_LANES == 0) rows /= 2;
    return rows;
}

/* Such rows are summed together, and their sums added up in the end. */
FNNI_INLINE void fnni_sums_any(const int both, ptrdiff_t rows, ptrdiff_t columns,
                               const fnn_real *dy, const fnn_real *x, ptrdiff_t ld,
                               const fnn_real *pivot, fnn_real *sums, fnn_real *products)
{
    const ptrdiff_t together = fnni_rows_together(columns), wide = columns * together;
    const int few = columns < FNNI_LANES || wide <= 4 * FNNI_LANES;
    if (few && columns % FNNI_LANES && columns == ld && rows >= 2 * together) {
        fnn_real copies[FNNI_LANES * FNNI_LANES], s[FNNI_LANES * FNNI_LANES];
        fnn_real t[FNNI_LANES * FNNI_LANES];
        const ptrdiff_t done = rows - rows % together;
        ptrdiff_t i, j;
        fnni_spread(together, columns, pivot, copies);
        fnni_fill(wide, 0, s);
        fnni_fill(wide, 0, t);
        fnni_sums_columns(both, rows / together, wide, dy, x, wide, copies, s, t);
        for (i = 0; i < wide; i += columns)
            for (j = 0; j < columns; j++) {
                sums[j] += s[i + j];
                products[j] += t[i + j];
            }
        rows -= done, dy += done * ld, x += done * ld;
    }
    fnni_sums_columns(both, rows, columns, dy, x, ld, pivot, sums, products);
}

FNNI_KERNEL void fnni_moments(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x, ptrdiff_t ldx,
                              const fnn_real *pivot, fnn_real *sums, fnn_real *squares)
{
    fnni_sums_any(0, rows, columns, x, x, ldx, pivot, sums, squares);
}

/* inv_std stands outside of the sum: a strip of columns at a time goes through a small array. */
#define FNNI_NORM_STRIP 256
FNNI_KERNEL void fnni_norm_sums(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *dy,
                                const fnn_real *x, const fnn_real *mean, const fnn_real *inv_std,
                                fnn_real *sums, fnn_real *products)
{
    fnn_real strip[FNNI_NORM_STRIP];
    ptrdiff_t i, j, n;
    for (j = 0; j < columns; j += n) {
        n = columns - j < FNNI_NORM_STRIP ? columns - j : FNNI_NORM_STRIP;
        fnni_fill(n, 0, strip);
        fnni_sums_any(1, rows, n, dy + j, x + j, columns, mean + j, sums + j, strip);
        for (i = 0; i < n; i++) products[j + i] += strip[i] * inv_std[j + i];
    }
}

/* y = a p + b q + c, or without `both` a p + c. */
FNNI_INLINE void fnni_affine_vector(const int both, const int whole, fnni_m m, fnni_v a, fnni_v b,
                                    fnni_v c, const fnn_real *p, const fnn_real *q, fnn_real *y)
{
    if (both) c = fnni_vfma(b, fnni_get(whole, m, q), c);
    fnni_put(whole, m, y, fnni_vfma(a, fnni_get(whole, m, p), c));
}

/* Down all rows, 4, 2 or 1 vectors wide: the columns' numbers stay in registers. */
FNNI_INLINE void fnni_affine_strip(const int both, const int vectors, ptrdiff_t rows, ptrdiff_t ld,
                                   const fnn_real *p, const fnn_real *q, const fnn_real *a,
                                   const fnn_real *b, const fnn_real *c, fnn_real *y)
{
    const ptrdiff_t at1 = vectors > 1 ? FNNI_LANES : 0, at2 = vectors > 2 ? 2 * FNNI_LANES : 0;
    const ptrdiff_t at3 = vectors > 2 ? 3 * FNNI_LANES : 0;
    const fnni_v a0 = fnni_vload(a), b0 = both ? fnni_vload(b) : a0, c0 = fnni_vload(c);
    const fnni_v a1 = fnni_vload(a + at1), c1 = fnni_vload(c + at1);
    const fnni_v b1 = both ? fnni_vload(b + at1) : a1;
    const fnni_v a2 = fnni_vload(a + at2), c2 = fnni_vload(c + at2);
    const fnni_v b2 = both ? fnni_vload(b + at2) : a2;
    const fnni_v a3 = fnni_vload(a + at3), c3 = fnni_vload(c + at3);
    const fnni_v b3 = both ? fnni_vload(b + at3) : a3;
    const fnni_m m = fnni_vmask(0);
    for (; rows > 0; rows--, p += ld, q += ld, y += ld) {
        fnni_affine_vector(both, 1, m, a0, b0, c0, p, q, y);
        if (vectors > 1) fnni_affine_vector(both, 1, m, a1, b1, c1, p + at1, q + at1, y + at1);
        if (vectors > 2) fnni_affine_vector(both, 1, m, a2, b2, c2, p + at2, q + at2, y + at2);
        if (vectors > 2) fnni_affine_vector(both, 1, m, a3, b3, c3, p + at3, q + at3, y + at3);
    }
}

/* One row of n; its numbers come from memory. */
FNNI_INLINE void fnni_affine_row(const int both, ptrdiff_t n, const fnn_real *p, const fnn_real *q,
                                 const fnn_real *a, const fnn_real *b, const fnn_real *c,
                                 fnn_real *y)
{
    const ptrdiff_t full = fnni_whole(n);
    const fnni_m m = fnni_vmask(n - full);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES)
        fnni_affine_vector(both, 1, m, fnni_vload(a + i), fnni_vload(b + i), fnni_vload(c + i),
                           p + i, q + i, y + i);
    if (full < n)
        fnni_affine_vector(both, 0, m, fnni_vload_m(a + i, m), fnni_vload_m(b + i, m),
                           fnni_vload_m(c + i, m), p + i, q + i, y + i);
}

/* Columns of whole vectors, not many. */
FNNI_INLINE void fnni_affine_strips(const int both, ptrdiff_t rows, ptrdiff_t columns,
                                    const fnn_real *p, const fnn_real *q, const fnn_real *a,
                                    const fnn_real *b, const fnn_real *c, fnn_real *y)
{
    ptrdiff_t j = 0;
    for (; j + 4 * FNNI_LANES <= columns; j += 4 * FNNI_LANES)
        fnni_affine_strip(both, 4, rows, columns, p + j, q + j, a + j, b + j, c + j, y + j);
    if (j + 2 * FNNI_LANES <= columns) {
        fnni_affine_strip(both, 2, rows, columns, p + j, q + j, a + j, b + j, c + j, y + j);
        j += 2 * FNNI_LANES;
    }
    if (j < columns)
        fnni_affine_strip(both, 1, rows, columns, p + j, q + j, a + j, b + j, c + j, y + j);
}

/* Rows that fill no vector: several together do, as in fnni_bias_activation. */
FNNI_INLINE void fnni_affine_close(const int both, ptrdiff_t rows, ptrdiff_t columns,
                                   const fnn_real *p, const fnn_real *q, const fnn_real *a,
                                   const fnn_real *b, const fnn_real *c, fnn_real *y)
{
    fnn_real copies[3][FNNI_CLOSE_COLUMNS * FNNI_LANES];
    const ptrdiff_t together = fnni_rows_together(columns), wide = columns * together;
    const ptrdiff_t n = rows * columns;
    ptrdiff_t i = 0;
    fnni_spread(together, columns, a, copies[0]);
    if (both) fnni_spread(together, columns, b, copies[1]);
    fnni_spread(together, columns, c, copies[2]);
    if (wide <= 4 * FNNI_LANES) {
        fnni_affine_strips(both, rows / together, wide, p, q, copies[0], copies[1], copies[2], y);
        i = rows / together * wide;
    }
    for (; i < n; i += wide)
        fnni_affine_row(both, n - i < wide ? n - i : wide, p + i, q + i, copies[0],
                        both ? copies[1] : copies[0], copies[2], y + i);
}

FNNI_INLINE void fnni_affine_any(const int both, ptrdiff_t rows, ptrdiff_t columns,
                                 const fnn_real *p, const fnn_real *q, const fnn_real *a,
                                 const fnn_real *b, const fnn_real *c, fnn_real *y)
{
    if (columns % FNNI_LANES == 0 && columns <= 4 * FNNI_LANES) {
        fnni_affine_strips(both, rows, columns, p, q, a, b, c, y);
    } else if (columns % FNNI_LANES && columns <= FNNI_CLOSE_COLUMNS && rows >= 2 * FNNI_LANES) {
        fnni_affine_close(both, rows, columns, p, q, a, b, c, y);
    } else {
        for (; rows > 0; rows--, p += columns, q += columns, y += columns)
            fnni_affine_row(both, columns, p, q, a, b, c, y);
    }
}

FNNI_KERNEL void fnni_scale_shift(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *x,
                                  const fnn_real *scale, const fnn_real *shift, fnn_real *y)
{
    fnni_affine_any(0, rows, columns, x, x, scale, scale, shift, y);
}

FNNI_KERNEL void fnni_norm_backward(ptrdiff_t rows, ptrdiff_t columns, const fnn_real *dy,
                                    const fnn_real *x, const fnn_real *a, const fnn_real *b,
                                    const fnn_real *c, fnn_real *dx)
{
    fnni_affine_any(1, rows, columns, dy, x, a, b, c, dx);
}

/* ---- dropout ---- */
/* 32 random bits of a 32-bit counter and a 64-bit key. The rounds are those of Wellons' lowbias32
 * (hash-prospector, 2018), whose avalanche bias of 0.17 is near what a random function shows; the
 * key enters twice, before and in between, so that two keys give unrelated functions and not
 * one function read in another order. */
FNNI_INLINE fnni_u fnni_hash(fnni_u x, fnni_u key0, fnni_u key1)
{
    x = fnni_uxor(x, key0);
    x = fnni_umul(fnni_uxor(x, fnni_ushr(x, 16)), fnni_uset(0x7feb352du));
    x = fnni_uadd(fnni_uxor(x, fnni_ushr(x, 15)), key1);
    x = fnni_umul(fnni_uxor(x, fnni_ushr(x, 16)), fnni_uset(0x846ca68bu));
    return fnni_uxor(x, fnni_ushr(x, 16));
}

/* The key of a stretch of 2^32 counters (SplitMix64's output function, as >>random). */
FNNI_INLINE uint64_t fnni_stretch_key(uint64_t key, uint64_t stretch)
{
    return fnni_mix(key + stretch * 0xd1342543de82ef95u + 0x9e3779b97f4a7c15u);
}

/* counter .. counter + n - 1 lie in one stretch; kept where the hash is at least threshold. */
FNNI_INLINE void fnni_dropout_run(ptrdiff_t n, uint64_t key, uint32_t counter, uint32_t threshold,
                                  fnn_real factor, const fnn_real *x, fnn_real *y)
{
    const fnni_u key0 = fnni_uset((uint32_t)key), key1 = fnni_uset((uint32_t)(key >> 32));
    const fnni_u least = fnni_uset(threshold), stride = fnni_uset(FNNI_LANES);
    const fnni_v scale = fnni_vset(factor), zero = fnni_vzero();
    fnni_u count = fnni_uadd(fnni_uset(counter), fnni_uiota());
    const ptrdiff_t full = fnni_whole(n);
    ptrdiff_t i;
    for (i = 0; i < full; i += FNNI_LANES) {
        const fnni_m keep = fnni_uge(fnni_hash(count, key0, key1), least);
        fnni_vstore(y + i, fnni_vselect(keep, fnni_vmul(scale, fnni_vload(x + i)), zero));
        count = fnni_uadd(count, stride);
    }
    if (full < n) {
        const fnni_m m = fnni_vmask(n - i), keep = fnni_uge(fnni_hash(count, key0, key1), least);
        fnni_vstore_m(y + i, m, fnni_vselect(keep, fnni_vmul(scale, fnni_vload_m(x + i, m)), zero));
    }
}

FNNI_KERNEL void fnni_dropout(ptrdiff_t n, uint64_t key, uint64_t offset, fnn_real rate,
                              const fnn_real *x, fnn_real *y)
{
    const double share = (double)rate * 4294967296.0;
    if (!(share < 4294967295.5)) { /* everything is dropped */
        fnni_fill(n, 0, y);
        return;
    }
    while (n > 0) {
        const uint64_t left = 0x100000000u - (offset & 0xffffffffu); /* of this stretch */
        const ptrdiff_t count = (uint64_t)n < left ? n : (ptrdiff_t)left;
        fnni_dropout_run(count, fnni_stretch_key(key, offset >> 32), (uint32_t)offset,
                         share > 0 ? (uint32_t)(share + 0.5) : 0, 1 / (1 - rate), x, y);
        n -= count;
        offset += (uint64_t)count;
        x += count;
        y += count;
    }
}

/* The table of this pass. */
#define FNNI_TILE_COUNT(i) +1
#define FNNI_KERNEL_ENTRY(type, name, parameters) FNNI_NAME(name),
FNNI_TABLE_LINKAGE const fnni_kernels FNNI_NAME(kernels) = {
    FNNI_ISA, FNNI_LANES, 0 FNNI_TILE_ROWS(FNNI_TILE_COUNT), FNNI_TILE_VECTORS *FNNI_LANES,
    FNNI_KERNEL_LIST(FNNI_KERNEL_ENTRY)};
#ifdef FNNI_MORE
#include FNNI_MORE /* bench/: functions of its own over the vocabulary */
#endif
#undef FNNI_NAME
#undef FNNI_TARGET
#undef FNNI_ISA
#undef FNNI_LANES
#undef FNNI_LANE_LIST
#undef FNNI_TILE_VECTORS
#undef FNNI_TILE_ROWS
#endif /* FNNI_PASS: end of the kernel room */

#ifdef FNNI_PASS_SCALAR /* only the inclusion that is not itself a pass goes on */
#undef FNNI_PASS_SCALAR

/* ============================================================================
 * >>dispatch  the passes, and which table a context gets
 * ============================================================================
 * Called by >>contexts only. The choice is made when a context is made; nothing global
 * is written. To add an instruction set: a pass here, which also says whether this build has it:
 * FNNI_BUILT_word(x) is &x, a table of the pass, or NULL. */
#define FNNI_BUILT_scalar(x) &x
#if FNNI_X86
#define FNNI_PASS_AVX2
#include FMNIST_NN_FILE
#undef FNNI_PASS_AVX2
#define FNNI_BUILT_avx2(x) &x
#else
#define FNNI_BUILT_avx2(x) NULL
#endif
#if FNNI_X86 && !defined(FMNIST_NN_NO_AVX512)
#define FNNI_PASS_AVX512
#include FMNIST_NN_FILE
#undef FNNI_PASS_AVX512
#define FNNI_BUILT_avx512(x) &x
#else
#define FNNI_BUILT_avx512(x) NULL
#endif
#if FNNI_ARM64
#define FNNI_PASS_NEON
#include FMNIST_NN_FILE
#undef FNNI_PASS_NEON
#define FNNI_BUILT_neon(x) &x
#else
#define FNNI_BUILT_neon(x) NULL
#endif
#undef FNNI_PASS

/* The room is closed: from here on its names are members of what is declared nowhere. */
#define FNNI_NAME(name) fnni_kernel_room_is_closed_call_through_a_table.name

/* The table of an instruction set, NULL where this build has none. */
static const fnni_kernels *fnni_kernels_for(fnn_isa isa)
{
#define FNNI_TABLE(name, word, machine) FNNI_BUILT_##word(fnni_kernels_##word),
    static const fnni_kernels *const tables[] = {NULL, FNN_ISA_LIST(FNNI_TABLE)};
    return (int)isa >= 0 && isa < FNN_ISA_COUNT ? tables[isa] : NULL;
}

/* Whether processor and system have it, given that this build does. */
static int fnni_machine_has(fnn_isa isa)
{
#define FNNI_MACHINE_CASE(name, word, machine) \
    case name: return machine;
    switch ((int)isa) {
        FNN_ISA_LIST(FNNI_MACHINE_CASE)
    }
    return 0;
}

/* The one with the most lanes. Asking the processor takes long: those with fewer are left out. */
static fnn_isa fnni_best_isa(void)
{
    int isa, lanes = 1;
    fnn_isa best = FNN_ISA_SCALAR;
    for (isa = FNN_ISA_COUNT - 1; isa > FNN_ISA_BEST; isa--) {
        const fnni_kernels *k = fnni_kernels_for((fnn_isa)isa);
        if (!k || k->lanes <= lanes || !fnni_machine_has((fnn_isa)isa)) continue;
        best = (fnn_isa)isa;
        lanes = k->lanes;
    }
    return best;
}

#ifndef FNNI_KERNELS_ALONE
/* ============================================================================
 * >>memory  errors, checked sizes, allocation
 * ============================================================================
 * A leaf room: everything that fails with a message does so through fnni_fail or
 * fnni_fail_list, every product and
 * sum of sizes from outside goes through fnni_multiply, fnni_times, fnni_plus or fnni_area,
 * everything that allocates does so through fnni_allocate. Kernels and layers do not allocate. */

FNN_DEF const char *fnn_result_text(fnn_result result)
{
#define FNNI_RESULT_TEXT(name, text) text,
    static const char *const texts[] = {FNN_RESULT_LIST(FNNI_RESULT_TEXT)};
#undef FNNI_RESULT_TEXT
    return (int)result >= 0 && result < FNN_RESULT_COUNT ? texts[result] : "not a result";
}

/* Fills *error (NULL allowed) and returns code, so that a caller can `return fnni_fail(...)`. */
static fnn_result fnni_fail_list(fnn_error *error, fnn_result code, const char *format,
                                 va_list list)
{
    if (error) {
        error->code = code;
        vsnprintf(error->message, sizeof error->message, format, list);
    }
    return code;
}

FNNI_FORMAT(3, 4)
FNNI_COLD static fnn_result fnni_fail(fnn_error *error, fnn_result code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fnni_fail_list(error, code, format, list);
    va_end(list);
    return code;
}

/* *product = a * b, or 0 when that does not fit: the one helper for products of dimensions. Two
 * numbers of half a size_t's bits always fit, which spares the division. */
static int fnni_multiply(size_t a, size_t b, size_t *product)
{
    if ((a | b) >> (4 * sizeof a) && b != 0 && a > (size_t)-1 / b) return 0;
    *product = a * b;
    return 1;
}

/* Sums and products of sizes that stop at the largest, which no allocation grants. */
static size_t fnni_times(size_t a, size_t b)
{
    size_t product;
    return fnni_multiply(a, b, &product) ? product : (size_t)-1;
}

static size_t fnni_plus(size_t a, size_t b)
{
    return a > (size_t)-1 - b ? (size_t)-1 : a + b;
}

/* rows * columns elements, or -1 when that is negative or beyond ptrdiff_t. */
static ptrdiff_t fnni_area(ptrdiff_t rows, ptrdiff_t columns)
{
    size_t count;
    if (rows < 0 || columns < 0 || !fnni_multiply((size_t)rows, (size_t)columns, &count)) return -1;
    return count > (size_t)PTRDIFF_MAX / sizeof(fnn_real) ? -1 : (ptrdiff_t)count;
}

static int fnni_is_finite(fnn_real x)
{
    return x - x == 0;
}

static ptrdiff_t fnni_least(ptrdiff_t a, ptrdiff_t b)
{
    return a < b ? a : b;
}

static ptrdiff_t fnni_most(ptrdiff_t a, ptrdiff_t b)
{
    return a > b ? a : b;
}

static size_t fnni_larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static ptrdiff_t fnni_round_up(ptrdiff_t x, ptrdiff_t multiple)
{
    return (x + multiple - 1) / multiple * multiple;
}

/* Whole cache lines, so that two threads never share one. */
static size_t fnni_round(size_t count)
{
    return count > (size_t)-16 ? (size_t)-1 : (count + 15) / 16 * 16;
}

#define FNNI_ALIGNMENT 64 /* a cache line, an AVX-512 register */

#define FNNI_EXTRA (FNNI_ALIGNMENT + sizeof(void *)) /* what alignment adds to a block */

/* bytes of memory aligned to FNNI_ALIGNMENT, or NULL. The address the allocator gave is kept just
 * below. */
static void *fnni_allocate(const fnn_allocator *allocator, size_t bytes)
{
    void *given;
    unsigned char *aligned;
    if (bytes == 0 || bytes > (size_t)-1 - FNNI_EXTRA) return NULL;
    bytes += FNNI_EXTRA;
    given = allocator && allocator->allocate ? allocator->allocate(allocator->user, bytes)
                                             : FMNIST_NN_MALLOC(bytes);
    if (!given) return NULL;
    aligned = (unsigned char *)given + sizeof(void *);
    aligned += (FNNI_ALIGNMENT - (uintptr_t)aligned % FNNI_ALIGNMENT) % FNNI_ALIGNMENT;
    memcpy(aligned - sizeof(void *), &given, sizeof(void *));
    return aligned;
}

static void fnni_release(const fnn_allocator *allocator, void *memory)
{
    void *given;
    if (!memory) return;
    memcpy(&given, (unsigned char *)memory - sizeof(void *), sizeof(void *));
    if (allocator && allocator->release) allocator->release(allocator->user, given);
    else FMNIST_NN_FREE(given);
}

/* x + count, where x may be NULL for an array of no elements: C gives NULL + 0 no meaning. */
#define FNNI_AT(x, count) ((x) ? (x) + (count) : (x))

/* Where part number `part` of `parts` begins in `count` things dealt evenly. The product does not
 * fit 32 bits where count does. */
static ptrdiff_t fnni_share_begin(ptrdiff_t count, int part, int parts)
{
    return (ptrdiff_t)((int64_t)count * part / parts);
}

/* What count elements ask of the allocator: nothing for none. */
static size_t fnni_block(size_t count, size_t element)
{
    return count == 0 ? 0 : fnni_plus(fnni_times(count, element), FNNI_EXTRA);
}

/* count reals, or NULL when that is out of memory or out of size_t. */
static fnn_real *fnni_allocate_reals(const fnn_allocator *allocator, size_t count)
{
    size_t bytes;
    if (!fnni_multiply(count, sizeof(fnn_real), &bytes)) return NULL;
    return (fnn_real *)fnni_allocate(allocator, bytes);
}

/* ============================================================================
 * >>contexts  instruction set, threads and workspace of a call
 * ============================================================================
 * Every call that computes has a context: the caller's, or one for this call alone
 * (fnni_context_borrow). Elementwise calls need no more than its kernels (fnni_table). */

FNN_DEF const char *fnn_isa_name(fnn_isa isa)
{
#define FNNI_ISA_WORD(name, word, machine) #word,
    static const char *const names[] = {"best", FNN_ISA_LIST(FNNI_ISA_WORD)};
    return (int)isa >= 0 && isa < FNN_ISA_COUNT ? names[isa] : "unknown";
}

FNN_DEF int fnn_isa_available(fnn_isa isa)
{
    return isa == FNN_ISA_BEST || (fnni_kernels_for(isa) && fnni_machine_has(isa));
}

/* The instruction set that FNN_ISA names; FNN_ISA_BEST without one, FNN_ISA_COUNT for a name
 * that is none. */
static fnn_isa fnni_environment_isa(void)
{
    const char *name = getenv("FNN_ISA");
    int isa;
    if (!name || !*name) return FNN_ISA_BEST;
    for (isa = FNN_ISA_BEST; isa < FNN_ISA_COUNT; isa++)
        if (strcmp(name, fnn_isa_name((fnn_isa)isa)) == 0) return (fnn_isa)isa;
    return FNN_ISA_COUNT;
}

struct fnn_context {
    const fnni_kernels *kernels;
    int threads;
    fnn_allocator allocator;
    fnn_real *workspace; /* grows to what the calls need */
    size_t workspace_count;
};

FNN_DEF fnn_context_config fnn_context_config_init(void)
{
    fnn_context_config config;
    memset(&config, 0, sizeof config);
    config.threads = 1;
    return config;
}

/* The kernels of a context; of NULL, those of the best instruction set or the one FNN_ISA names,
 * and NULL when that is none of this machine's. */
static const fnni_kernels *fnni_table(const fnn_context *context)
{
    fnn_isa isa;
    if (context) return context->kernels;
    isa = fnni_environment_isa();
    if (isa == FNN_ISA_BEST) return fnni_kernels_for(fnni_best_isa());
    return fnn_isa_available(isa) ? fnni_kernels_for(isa) : NULL;
}

/* Whether a table was found and n elements can be at x: what every elementwise call checks. */
static int fnni_usable(const fnni_kernels *kernels, ptrdiff_t n, const void *x)
{
    return kernels && n >= 0 && (n == 0 || x);
}

static fnn_result fnni_context_open(fnn_context *context, const fnn_context_config *config,
                                    fnn_error *error)
{
    int threads = config->threads;
    fnn_isa isa = config->isa;
    if (isa == FNN_ISA_BEST) isa = fnni_environment_isa();
    if (isa == FNN_ISA_BEST) isa = fnni_best_isa();
    if (isa < 0 || isa >= FNN_ISA_COUNT)
#define FNNI_ISA_CHOICE(name, word, machine) ", " #word
        return fnni_fail(
            error, FNN_ERROR_ARGUMENT,
            "instruction set: expected one of best" FNN_ISA_LIST(FNNI_ISA_CHOICE) ", found %s",
            config->isa == FNN_ISA_BEST ? getenv("FNN_ISA") : "another number");
    if (!fnn_isa_available(isa))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "instruction set %s: this machine or this build has only %s",
                         fnn_isa_name(isa), fnn_isa_name(fnni_best_isa()));
    if (threads == FNN_THREADS_OPENMP) {
        threads = fnni_openmp_threads();
        if (threads > FNN_THREADS_MOST) threads = FNN_THREADS_MOST;
    }
    if (threads < 1 || threads > FNN_THREADS_MOST)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "threads: expected 1 to %d or FNN_THREADS_OPENMP, found %d",
                         FNN_THREADS_MOST, threads);
    memset(context, 0, sizeof *context);
    context->kernels = fnni_kernels_for(isa);
    context->threads = threads;
    context->allocator = config->allocator;
    return FNN_OK;
}

static void fnni_context_close(fnn_context *context)
{
    fnni_release(&context->allocator, context->workspace);
}

/* Opens a context for one call where the caller gave none. */
static fnn_context *fnni_context_borrow(fnn_context *context, fnn_context *own)
{
    fnn_context_config config = fnn_context_config_init();
    if (context) return context;
    return fnni_context_open(own, &config, NULL) ? NULL : own;
}

/* At least count reals of workspace, or NULL. What it held before is lost when it grows. */
static fnn_real *fnni_workspace(fnn_context *context, size_t count)
{
    if (count > context->workspace_count) {
        fnni_release(&context->allocator, context->workspace);
        context->workspace = fnni_allocate_reals(&context->allocator, count);
        context->workspace_count = context->workspace ? count : 0;
    }
    return context->workspace;
}

/* Threads that work of `numbers` read or written is worth: below some thousand a thread costs
 * more than it brings. */
static int fnni_threads_for(const fnn_context *context, ptrdiff_t numbers)
{
    const ptrdiff_t most = 1 + numbers / 32768;
    if (!context) return 1;
    return most < context->threads ? (int)most : context->threads;
}

FNNI_COLD FNN_DEF fnn_context *fnn_context_create(const fnn_context_config *config,
                                                  fnn_error *error)
{
    const fnn_context_config defaults = fnn_context_config_init();
    fnn_context opened, *context;
    if (!config) config = &defaults;
    if (fnni_context_open(&opened, config, error)) return NULL;
    context = (fnn_context *)fnni_allocate(&config->allocator, sizeof *context);
    if (context) *context = opened;
    else fnni_fail(error, FNN_ERROR_MEMORY, "no memory for a context");
    return context;
}

FNNI_COLD FNN_DEF void fnn_context_free(fnn_context *context)
{
    fnn_allocator allocator;
    if (!context) return;
    allocator = context->allocator;
    fnni_context_close(context);
    fnni_release(&allocator, context);
}

FNN_DEF const char *fnn_info(const fnn_context *context)
{
#if FNNI_REAL_IS_DOUBLE
#define FNNI_INFO_REAL "double"
#else
#define FNNI_INFO_REAL "float"
#endif
#ifdef _OPENMP
#define FNNI_INFO_THREADS "OpenMP"
#else
#define FNNI_INFO_THREADS "one thread (compiled without OpenMP)"
#endif
#define FNNI_INFO(isa) "fmnist_nn " FNN_VERSION ", " FNNI_INFO_REAL ", " isa ", " FNNI_INFO_THREADS
#define FNNI_INFO_LINE(name, word, machine) FNNI_INFO(#word),
    static const char *const lines[] = {FNNI_INFO("unknown"), FNN_ISA_LIST(FNNI_INFO_LINE)};
    fnn_isa isa = context ? context->kernels->isa : fnni_environment_isa();
    if (isa == FNN_ISA_BEST) isa = fnni_best_isa();
    return isa < FNN_ISA_COUNT && fnn_isa_available(isa) ? lines[isa] : lines[0];
}

/* ============================================================================
 * >>random  counter-based random numbers
 * ============================================================================
 * A leaf room. A number is a function of (seed, stream, index), so it does not depend on who
 * asks for it or when: dropout and shuffles are the same for any number of threads. */

#define FNNI_STREAM_WEIGHTS 0x10000u /* random streams: layer numbers are added to these */
#define FNNI_STREAM_BIASES 0x20000u
#define FNNI_STREAM_ORDER 0x30000u

static uint64_t fnni_random(uint64_t seed, uint64_t stream, uint64_t index)
{
    const uint64_t key =
        fnni_mix(seed + 0x9e3779b97f4a7c15u) ^ fnni_mix(stream * 0xd1342543de82ef95u + 1);
    return fnni_mix(key + (index + 1) * 0x9e3779b97f4a7c15u);
}

/* In [0, 1), a multiple of 2^-53. */
static double fnni_random_unit(uint64_t seed, uint64_t stream, uint64_t index)
{
    return (double)(fnni_random(seed, stream, index) >> 11) * (1.0 / 9007199254740992.0);
}

/* In 0..bound-1; the bias is below bound / 2^53. */
static uint64_t fnni_random_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t bound)
{
    return (uint64_t)(fnni_random_unit(seed, stream, index) * (double)bound);
}

/* Standard normal (Box and Muller, 1958), of two of the stream's numbers. */
static double fnni_random_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    const double radius = sqrt(-2 * log(1 - fnni_random_unit(seed, stream, 2 * index)));
    return radius * cos(6.283185307179586 * fnni_random_unit(seed, stream, 2 * index + 1));
}

/* ============================================================================
 * >>threads  the one parallel loop
 * ============================================================================
 * A leaf room, the only one that starts threads. What a part computes must not depend on how
 * many parts there are, or results would depend on the number of threads. */

typedef void (*fnni_part)(void *argument, int part, int parts);

/* Calls body for part 0..parts-1, each on a thread of its own where OpenMP is there. A single part
 * has no parallel region round it, not even an idle one: the child of a fork may enter none. */
static void fnni_parallel(int parts, fnni_part body, void *argument)
{
    int part;
#ifdef _OPENMP
    if (parts > 1) {
#pragma omp parallel for num_threads(parts) schedule(static, 1)
        for (part = 0; part < parts; part++) body(argument, part, parts);
        return;
    }
#endif
    for (part = 0; part < parts; part++) body(argument, part, parts);
}

/* A lock for what so many parts share. For one there is nothing to do, and OpenMP is not called:
 * in the child of a fork a lock of clang's library crashes. */
#ifdef _OPENMP
typedef struct fnni_lock {
    int parts;
    omp_lock_t lock;
} fnni_lock;
#define FNNI_LOCK_DO(l, what) ((l)->parts > 1 ? what(&(l)->lock) : (void)0)
#define fnni_lock_open(l, n) ((l)->parts = (n), FNNI_LOCK_DO(l, omp_init_lock))
#define fnni_lock_take(l) FNNI_LOCK_DO(l, omp_set_lock)
#define fnni_lock_give(l) FNNI_LOCK_DO(l, omp_unset_lock)
#define fnni_lock_close(l) FNNI_LOCK_DO(l, omp_destroy_lock)
#else
typedef int fnni_lock;
#define fnni_lock_open(l, n) ((void)(*(l) = (n)))
#define fnni_lock_take(l) ((void)(l))
#define fnni_lock_give(l) ((void)(l))
#define fnni_lock_close(l) ((void)(l))
#endif

/* ============================================================================
 * >>arrays  the kernels on plain arrays, as calls of their own
 * ============================================================================ */

static fnn_result fnni_mapped(fnn_context *context, unsigned kind, ptrdiff_t n, const fnn_real *x,
                              fnn_real *y)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y)) return FNN_ERROR_ARGUMENT;
    kernels->activation(kind, 0, n, x, y);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_exp(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    return fnni_mapped(context, FNNI_MAP_exp, n, x, y);
}

FNN_DEF fnn_result fnn_log(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    return fnni_mapped(context, FNNI_MAP_log, n, x, y);
}

FNN_DEF fnn_result fnn_tanh(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    return fnni_mapped(context, FNNI_MAP_tanh, n, x, y);
}

FNN_DEF fnn_result fnn_sigmoid(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *y)
{
    return fnni_mapped(context, FNNI_MAP_sigmoid, n, x, y);
}

FNN_DEF fnn_result fnn_sum(fnn_context *context, ptrdiff_t n, const fnn_real *x, fnn_real *result)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !result) return FNN_ERROR_ARGUMENT;
    *result = kernels->sum(n, x);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_dot(fnn_context *context, ptrdiff_t n, const fnn_real *x, const fnn_real *y,
                           fnn_real *result)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y) || !result)
        return FNN_ERROR_ARGUMENT;
    *result = kernels->dot(n, x, y);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_from_bytes(fnn_context *context, ptrdiff_t n, const uint8_t *x,
                                  int per_element, const fnn_real *shift, const fnn_real *scale,
                                  fnn_real *y)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y)) return FNN_ERROR_ARGUMENT;
    if (!fnni_usable(kernels, n, shift) || !fnni_usable(kernels, n, scale))
        return FNN_ERROR_ARGUMENT;
    if (n > 0) kernels->from_bytes(n, x, per_element, shift, scale, y);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_dropout_apply(fnn_context *context, ptrdiff_t n, uint64_t key,
                                     uint64_t offset, fnn_real rate, const fnn_real *x, fnn_real *y)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y)) return FNN_ERROR_ARGUMENT;
    if (!(rate >= 0 && rate <= 1)) return FNN_ERROR_ARGUMENT;
    kernels->dropout(n, key, offset, rate, x, y);
    return FNN_OK;
}

/* ============================================================================
 * >>gemm  blocking and packing, no instruction set here
 * ============================================================================
 * Called by layers and by programs. A product is cut into rectangles of C, one a thread; in a
 * rectangle, blocks of k are added up in order, and within a block tile after tile is computed
 * by the kernel. An operand is read where it lies when the tile can do so at full speed, and
 * copied to compact panels otherwise: packing and the order of tiles decide speed, never the
 * result, since the order of each element's sum depends on k alone.
 *
 * To call it: fill in a fnni_gemm (memset 0 first), then
 *   fnni_gemm_run(context, &g)          the whole product on the context's threads, or
 *   fnni_gemm_plan(&g);                 on the calling thread alone, as a part of a parallel
 *   g.workspace = fnni_gemm_workspace(&g) reals of the thread's own;      loop does
 *   fnni_gemm_serial(&g);
 * A B that serves several products is packed once (fnni_gemm_pack_b) and given with b_packed. */

/* k is cut into equal blocks no longer than this. Long blocks pass over C seldom; the tile's rows
 * of A and its panel of B then stream from the second-level cache, which is fast enough. The
 * bits of every result depend on this number. */
#ifndef FNNI_GEMM_K
#define FNNI_GEMM_K 1024
#endif
#ifndef FNNI_GEMM_A
#define FNNI_GEMM_A 131072 /* reals of A between two passes over B: half the second-level cache */
#endif
#define FNNI_GEMM_N 2048 /* columns of B packed at a time: 8 MiB at most, in the third level */

/* One product, or a rectangle of one. */
typedef struct fnni_gemm {
    const fnni_kernels *kernels;
    ptrdiff_t m, n, k;
    int transpose_a, transpose_b;
    int b_packed; /* b is what fnni_gemm_pack_b made, transpose_b and ldb do not count */
    fnn_real alpha, beta;
    const fnn_real *a, *b;
    fnn_real *c;
    ptrdiff_t lda, ldb, ldc;
    fnn_real *workspace; /* fnni_gemm_workspace reals for each thread */
    /* What fnni_gemm_plan decides. */
    int pack_a, pack_b;
    int rows_first;             /* all columns of a tile's rows before the next rows */
    int prefetch;               /* of A's rows */
    ptrdiff_t block_m, block_n; /* rows of A and columns of B between two packings */
    int grid_rows, grid_columns;
    ptrdiff_t b_columns, b_first; /* b_packed: columns of all its panels, first of this rectangle */
} fnni_gemm;

/* Block number `block` of k's equal blocks is p..p+length-1. */
static ptrdiff_t fnni_gemm_blocks(ptrdiff_t k)
{
    return (k + FNNI_GEMM_K - 1) / FNNI_GEMM_K;
}

static ptrdiff_t fnni_gemm_block(ptrdiff_t k, ptrdiff_t block, ptrdiff_t *p)
{
    const ptrdiff_t blocks = fnni_gemm_blocks(k);
    *p = 0;
    if (blocks == 1) return k; /* three divisions cost as much as a small product */
    *p = (ptrdiff_t)((int64_t)k * block / blocks);
    return (ptrdiff_t)((int64_t)k * (block + 1) / blocks) - *p;
}

/* Rows that lie near a multiple of 4096 bytes apart all fall into one set of the first cache, and
 * of 2048 into two, which is still too few for the many rows of B. */
static int fnni_aliases(ptrdiff_t ld, ptrdiff_t period)
{
    const int64_t bytes = (int64_t)ld * (int64_t)sizeof(fnn_real), rest = bytes % period;
    return bytes >= 2048 && (rest < 64 || rest > period - 64);
}

/* Rows of a block when m rows of k are cut into equal blocks that stay in the cache. */
static ptrdiff_t fnni_gemm_block_rows(const fnni_gemm *g, ptrdiff_t k)
{
    const ptrdiff_t height = g->kernels->tile_rows;
    const int64_t m = g->m; /* up to the largest of ptrdiff_t, where a size is only asked for */
    int64_t most, blocks;
    if (m * k <= FNNI_GEMM_A) return g->m;
    most = fnni_most(FNNI_GEMM_A / k, 4 * height);
    blocks = (m + most - 1) / most;
    return fnni_round_up((ptrdiff_t)((m + blocks - 1) / blocks), height);
}

/* Needs m, n, k, the transposes, the leading dimensions and b_packed. */
static void fnni_gemm_plan(fnni_gemm *g)
{
    const int width = g->kernels->tile_columns, height = g->kernels->tile_rows;
    const ptrdiff_t k = fnni_least(g->k, FNNI_GEMM_K);
    const int64_t of_a = (int64_t)g->m * k, of_b = (int64_t)k * g->n; /* reals of a block of k */
    const int wide = g->n > 2 * width, tall = g->m > 4 * height;
    g->pack_a = wide && (fnni_aliases(g->lda, 4096) || (g->transpose_a && k > 256));
    g->pack_b =
        !g->b_packed && (g->transpose_b || (tall && (fnni_aliases(g->ldb, 2048) || of_b > 262144)));
    g->rows_first = !g->pack_a && g->n > width && of_b <= FNNI_GEMM_A / 4 && of_a > FNNI_GEMM_A;
    g->prefetch = !g->pack_a && !g->transpose_a && of_a > 4 * FNNI_GEMM_A;
    g->block_m = g->rows_first ? fnni_least(g->m, 1 << 24) : fnni_gemm_block_rows(g, k);
    /* When each panel of B is used once, it is packed just before, into the first cache. Blocks are
     * whole panels: 2048 is no multiple of NEON's 12, and B may be packed already. */
    g->block_n =
        g->pack_b && g->m <= g->block_m && !g->rows_first ? width : FNNI_GEMM_N / width * width;
    if (g->b_packed && !g->b_columns) g->b_columns = fnni_round_up(g->n, width);
}

/* A leading dimension for rows of k: an odd number of cache lines, so that no two of a tile's rows
 * share a set. */
static ptrdiff_t fnni_gemm_padded_ld(ptrdiff_t k)
{
    return fnni_round_up(k + 16, 32) - 16;
}

/* Reals of the panels of B, and of A, that one block of the rectangle needs. */
static ptrdiff_t fnni_gemm_panels_b(const fnni_gemm *g)
{
    if (!g->pack_b) return 0;
    return fnni_round_up(fnni_least(g->n, g->block_n), g->kernels->tile_columns) *
           fnni_least(g->k, FNNI_GEMM_K);
}

static ptrdiff_t fnni_gemm_panels_a(const fnni_gemm *g)
{
    if (!g->pack_a) return 0;
    return fnni_least(g->m, g->block_m) * fnni_gemm_padded_ld(fnni_least(g->k, FNNI_GEMM_K));
}

/* Reals of workspace that fnni_gemm_serial needs after fnni_gemm_plan. */
static size_t fnni_gemm_workspace(const fnni_gemm *g)
{
    return (size_t)fnni_round_up(fnni_gemm_panels_a(g) + fnni_gemm_panels_b(g), 16);
}

/* Reals enough for any product with no more rows and no longer sums than g's, its other sizes being
 * g's: blocks of A are cut by size, so a smaller product may well take more space than a larger. */
static size_t fnni_gemm_bound(const fnni_gemm *g)
{
    const ptrdiff_t height = g->kernels->tile_rows, k = fnni_least(g->k, FNNI_GEMM_K);
    fnni_gemm most = *g;
    ptrdiff_t a = 0, depth;
    fnni_gemm_plan(&most);
    for (depth = 1; depth <= k; depth = fnni_gemm_padded_ld(depth) + 1) {
        const ptrdiff_t rows = fnni_most(FNNI_GEMM_A / depth, 4 * height) + height;
        a = fnni_most(a, fnni_least(g->m, rows) * fnni_gemm_padded_ld(depth));
    }
    most.block_n = FNNI_GEMM_N;
    return (size_t)fnni_round_up((most.pack_a ? a : 0) + fnni_gemm_panels_b(&most), 16);
}

/* ---- packing ---- */

/* Columns j..j+n-1 of one block of op(B), panel after panel. */
static void fnni_gemm_pack_columns(const fnni_gemm *g, ptrdiff_t p, ptrdiff_t k, ptrdiff_t j,
                                   ptrdiff_t n, fnn_real *panels)
{
    const int width = g->kernels->tile_columns, step = g->transpose_b ? width : 8 * width;
    ptrdiff_t i;
    for (i = 0; i < n; i += step) {
        const int columns = (int)fnni_least(n - i, step);
        if (g->transpose_b)
            g->kernels->pack_transposed(k, columns, width, g->b + (j + i) * g->ldb + p, g->ldb,
                                        panels + i * k);
        else
            g->kernels->pack_rows(k, columns, width, g->b + p * g->ldb + j + i, g->ldb,
                                  panels + i * k);
    }
}

/* Reals of a (k,n) matrix packed entire. */
static size_t fnni_gemm_packed_size(const fnni_kernels *kernels, ptrdiff_t k, ptrdiff_t n)
{
    return fnni_times((size_t)k, (size_t)fnni_round_up(n, kernels->tile_columns));
}

/* Packs the columns from..to-1 of op(B) (g: kernels, n, k, transpose_b, b, ldb) into packed, which
 * has room for all of it; from is a multiple of tile_columns. Threads may
 * pack different columns. */
static void fnni_gemm_pack_b(const fnni_gemm *g, ptrdiff_t from, ptrdiff_t to, fnn_real *packed)
{
    const ptrdiff_t columns = fnni_round_up(g->n, g->kernels->tile_columns);
    ptrdiff_t block, p;
    for (block = 0; block < fnni_gemm_blocks(g->k); block++) {
        const ptrdiff_t k = fnni_gemm_block(g->k, block, &p);
        fnni_gemm_pack_columns(g, p, k, from, to - from, packed + p * columns + from * k);
    }
}

/* Rows i..i+m-1 of one block of op(A) as rows whose leading dimension suits the
 * cache (fnni_gemm_padded_ld). */
static void fnni_gemm_pack_rows(const fnni_gemm *g, ptrdiff_t i, ptrdiff_t m, ptrdiff_t p,
                                ptrdiff_t k, ptrdiff_t ld, fnn_real *rows)
{
    ptrdiff_t row;
    if (g->transpose_a)
        g->kernels->pack_transposed(m, (int)k, (int)ld, g->a + p * g->lda + i, g->lda, rows);
    else
        for (row = 0; row < m; row++)
            memcpy(rows + row * ld, g->a + (i + row) * g->lda + p, (size_t)k * sizeof(fnn_real));
}

/* ---- tiles ---- */

/* m rows are dealt evenly to as few tiles as can be, so that 100 rows are 13 + 13 + 13 + 13 +
 * 12 + ... and not 14 + 14 + ... + 2: `more` tiles of least + 1 rows, then tiles of least. */
typedef struct fnni_gemm_deal {
    int tiles, least, more;
} fnni_gemm_deal;

static fnni_gemm_deal fnni_gemm_deal_rows(const fnni_kernels *kernels, ptrdiff_t m)
{
    fnni_gemm_deal deal;
    deal.tiles = (int)((unsigned)(m + kernels->tile_rows - 1) / (unsigned)kernels->tile_rows);
    deal.least = (int)((unsigned)m / (unsigned)deal.tiles);
    deal.more = (int)m - deal.least * deal.tiles;
    return deal;
}

/* One block of one product: what its runs of tiles share, and its corner. */
typedef struct fnni_gemm_rectangle {
    fnni_tiles run;
    const fnn_real *a, *b; /* the block's corner, or where it was packed */
    ptrdiff_t b_column;    /* from a column to the next: 1, or k where B is in panels */
    fnn_real *c;
    ptrdiff_t m, n;
    int prefetch_rows;
} fnni_gemm_rectangle;

/* A number of tiles, all of them `rows` high, from this row downwards in one panel of B. */
static void fnni_gemm_down(const fnni_kernels *kernels, fnni_gemm_rectangle *r, int tiles, int rows,
                           ptrdiff_t row, ptrdiff_t j)
{
    fnni_tiles *run = &r->run;
    if (tiles == 0) return;
    run->count = tiles;
    run->a_next = rows * run->a_row;
    run->b_next = 0;
    run->c_next = rows * run->ldc;
    run->prefetch_rows = r->prefetch_rows && j == 0 ? tiles : 0;
    kernels->gemm_tiles(run, rows, (int)fnni_least(r->n - j, kernels->tile_columns),
                        r->a + row * run->a_row, r->b + j * r->b_column, r->c + row * run->ldc + j);
}

/* A panel of B stays in the first cache while the rows of A pass. */
static void fnni_gemm_columns_first(const fnni_kernels *kernels, fnni_gemm_rectangle *r)
{
    const fnni_gemm_deal deal = fnni_gemm_deal_rows(kernels, r->m);
    const ptrdiff_t high = (ptrdiff_t)deal.more * (deal.least + 1);
    ptrdiff_t j;
    for (j = 0; j < r->n; j += kernels->tile_columns) {
        fnni_gemm_down(kernels, r, deal.more, deal.least + 1, 0, j);
        fnni_gemm_down(kernels, r, deal.tiles - deal.more, deal.least, high, j);
    }
}

/* One tile's rows in all whole panels of B, then in the narrow one. */
static void fnni_gemm_along(const fnni_kernels *kernels, fnni_gemm_rectangle *r, int rows,
                            const fnn_real *a, fnn_real *c)
{
    const int width = kernels->tile_columns;
    const ptrdiff_t whole = r->n / width * width;
    fnni_tiles *run = &r->run;
    run->count = r->n / width;
    run->a_next = 0;
    run->b_next = width * r->b_column;
    run->c_next = width;
    run->prefetch_rows = r->prefetch_rows;
    if (whole > 0) kernels->gemm_tiles(run, rows, width, a, r->b, c);
    run->count = 1;
    run->prefetch_rows = r->prefetch_rows && whole == 0;
    if (whole < r->n)
        kernels->gemm_tiles(run, rows, (int)(r->n - whole), a, r->b + whole * r->b_column,
                            c + whole);
}

/* Rows of A come from afar once, and stay in the first cache while all of B passes. */
static void fnni_gemm_rows_first(const fnni_kernels *kernels, fnni_gemm_rectangle *r)
{
    const fnni_gemm_deal deal = fnni_gemm_deal_rows(kernels, r->m);
    ptrdiff_t row = 0;
    int t;
    for (t = 0; t < deal.tiles; t++) {
        const int rows = deal.least + (t < deal.more);
        if (t == deal.tiles - 1) r->prefetch_rows = 0; /* no rows below */
        fnni_gemm_along(kernels, r, rows, r->a + row * r->run.a_row, r->c + row * r->run.ldc);
        row += rows;
    }
}

/* ---- one thread's rectangle ---- */

/* Columns j.. of the block: packs B unless it is packed or fine as it lies. */
static void fnni_gemm_take_b(const fnni_gemm *g, fnni_gemm_rectangle *r, ptrdiff_t p, ptrdiff_t j)
{
    const ptrdiff_t k = r->run.k;
    const int width = g->kernels->tile_columns;
    r->n = fnni_least(g->n - j, g->block_n);
    r->b_column = g->b_packed || g->pack_b ? k : 1;
    r->run.ldb = g->b_packed || g->pack_b ? width : g->ldb;
    if (g->b_packed) r->b = g->b + p * g->b_columns + (g->b_first + j) * k;
    else if (!g->pack_b) r->b = g->b + p * g->ldb + j;
    else {
        fnni_gemm_pack_columns(g, p, k, j, r->n, g->workspace);
        r->b = g->workspace;
    }
}

/* Rows i.. of the block; packed ones stay when there is no other block of rows. */
static void fnni_gemm_take_a(const fnni_gemm *g, fnni_gemm_rectangle *r, ptrdiff_t p, ptrdiff_t i,
                             int again)
{
    const ptrdiff_t k = r->run.k;
    fnn_real *rows;
    r->m = fnni_least(g->m - i, g->block_m);
    r->run.a_row = g->transpose_a ? 1 : g->lda;
    r->run.a_group = 3 * r->run.a_row;
    r->run.a_step = g->transpose_a ? g->lda : 1;
    r->a = g->a + i * r->run.a_row + p * r->run.a_step;
    if (!g->pack_a) return;
    r->run.a_row = fnni_gemm_padded_ld(k);
    r->run.a_group = 3 * r->run.a_row;
    r->run.a_step = 1;
    rows = g->workspace + fnni_gemm_panels_b(g);
    if (!again || g->block_m < g->m) fnni_gemm_pack_rows(g, i, r->m, p, k, r->run.a_row, rows);
    r->a = rows;
}

/* The whole product of g on this thread. */
static void fnni_gemm_serial(const fnni_gemm *g)
{
    fnni_gemm_rectangle r;
    ptrdiff_t block, p, i, j;
    r.run.ldc = g->ldc;
    r.run.start = NULL;
    r.run.alpha = g->alpha;
    r.run.segments = 1;
    r.run.a_segment = r.run.b_jump = 0;
    for (block = 0; block < fnni_gemm_blocks(g->k); block++) {
        r.run.k = fnni_gemm_block(g->k, block, &p);
        r.run.beta = block ? 1 : g->beta;
        r.run.prefetch_c = r.run.k >= 4 * g->kernels->tile_rows;
        for (j = 0; j < g->n; j += g->block_n) {
            fnni_gemm_take_b(g, &r, p, j);
            for (i = 0; i < g->m; i += g->block_m) {
                fnni_gemm_take_a(g, &r, p, i, j > 0);
                r.c = g->c + i * g->ldc + j;
                r.prefetch_rows = g->prefetch && j == 0;
                if (g->rows_first) fnni_gemm_rows_first(g->kernels, &r);
                else fnni_gemm_columns_first(g->kernels, &r);
            }
        }
    }
}

/* ---- threads ---- */

/* C as a grid of rectangles, one a part; columns are cut between panels. */
static void fnni_gemm_part(void *argument, int part, int parts)
{
    const fnni_gemm *whole = (const fnni_gemm *)argument;
    const int width = whole->kernels->tile_columns;
    const ptrdiff_t panels = (whole->n + width - 1) / width;
    const int i = part / whole->grid_columns, j = part % whole->grid_columns;
    const ptrdiff_t row = fnni_share_begin(whole->m, i, whole->grid_rows);
    const ptrdiff_t column = fnni_share_begin(panels, j, whole->grid_columns) * width;
    fnni_gemm g = *whole;
    (void)parts;
    g.m = fnni_share_begin(whole->m, i + 1, whole->grid_rows) - row;
    g.n =
        fnni_least(whole->n, fnni_share_begin(panels, j + 1, whole->grid_columns) * width) - column;
    g.a += g.transpose_a ? row : row * g.lda;
    if (g.b_packed) g.b_first += column;
    else g.b += g.transpose_b ? column * g.ldb : column;
    g.c += row * g.ldc + column;
    if (g.workspace) g.workspace += (size_t)part * fnni_gemm_workspace(whole);
    fnni_gemm_serial(&g);
}

/* The largest rectangle of a grid. */
static void fnni_gemm_largest(const fnni_gemm *g, int rows, int columns, ptrdiff_t *m, ptrdiff_t *n)
{
    const int width = g->kernels->tile_columns;
    const ptrdiff_t panels = (g->n + width - 1) / width;
    *m = (g->m + rows - 1) / rows;
    *n = fnni_least(g->n, (panels + columns - 1) / columns * width);
}

/* What a grid costs, in multiply-adds of a step of k: those of its largest rectangle in whole
 * tiles, and its share of A and B read, or packed where that is the plan. */
static double fnni_gemm_cost(const fnni_gemm *g, int rows, int columns)
{
    ptrdiff_t m, n;
    fnni_gemm_largest(g, rows, columns, &m, &n);
    m = fnni_round_up(m, 2);
    n = fnni_round_up(n, g->kernels->lanes);
    return (double)m * (double)n + (g->pack_b ? 6 : 1) * (double)n +
           (g->pack_a ? 6 : 1) * (double)m;
}

/* The cheapest grid of that many parts, and the plan for its rectangles. */
static void fnni_gemm_grid(fnni_gemm *g, int parts)
{
    fnni_gemm largest;
    int rows;
    g->grid_rows = 1;
    g->grid_columns = parts;
    for (rows = 2; rows <= parts; rows++)
        if (parts % rows == 0 && fnni_gemm_cost(g, rows, parts / rows) <
                                     fnni_gemm_cost(g, g->grid_rows, g->grid_columns)) {
            g->grid_rows = rows;
            g->grid_columns = parts / rows;
        }
    largest = *g;
    fnni_gemm_largest(g, g->grid_rows, g->grid_columns, &largest.m, &largest.n);
    fnni_gemm_plan(&largest);
    largest.m = g->m;
    largest.n = g->n;
    *g = largest;
}

/* C = beta C: what is left of a product without A B. */
static void fnni_gemm_scale(const fnni_gemm *g)
{
    ptrdiff_t i, j;
    for (i = 0; i < g->m; i++)
        for (j = 0; j < g->n; j++)
            g->c[i * g->ldc + j] = g->beta == 0 ? 0 : g->beta * g->c[i * g->ldc + j];
}

/* Below this many multiply-adds a part a second thread costs more than it brings. */
#define FNNI_GEMM_PART 200000

static int fnni_gemm_parts(const fnni_gemm *g, int threads)
{
    const double parts = (double)g->m * (double)g->n * (double)g->k / FNNI_GEMM_PART;
    return parts < 1 ? 1 : parts < threads ? (int)parts : threads;
}

/* A single row needs no leading dimension: what the caller says of the next row may be too large
 * to count with. */
static void fnni_gemm_single_rows(fnni_gemm *g)
{
    if ((g->transpose_a ? g->k : g->m) == 1) g->lda = g->transpose_a ? g->m : g->k;
    if ((g->transpose_b ? g->n : g->k) == 1) g->ldb = g->transpose_b ? g->k : g->n;
    if (g->m == 1) g->ldc = g->n;
}

static fnn_result fnni_gemm_run(fnn_context *context, fnni_gemm *g)
{
    int parts = 1;
    size_t count;
    g->kernels = context->kernels;
    if (g->m == 0 || g->n == 0) return FNN_OK;
    if (g->k == 0 || g->alpha == 0) {
        fnni_gemm_scale(g);
        return FNN_OK;
    }
    if ((g->lda | g->ldb | g->ldc) > PTRDIFF_MAX / 64) fnni_gemm_single_rows(g);
    fnni_gemm_plan(g);
    if (context->threads > 1) parts = fnni_gemm_parts(g, context->threads);
    if (parts > 1) fnni_gemm_grid(g, parts);
    count = fnni_gemm_workspace(g);
    if (parts > 1) count = fnni_times(count, (size_t)parts);
    g->workspace = NULL;
    if (count > 0 && !(g->workspace = fnni_workspace(context, count))) return FNN_ERROR_MEMORY;
    if (parts > 1) fnni_parallel(parts, fnni_gemm_part, g);
    else fnni_gemm_serial(g); /* entering OpenMP's region with one thread costs 0.2 us */
    return FNN_OK;
}

FNN_DEF fnn_result fnn_sgemm(fnn_context *context, int transpose_a, int transpose_b, ptrdiff_t m,
                             ptrdiff_t n, ptrdiff_t k, fnn_real alpha, const fnn_real *a,
                             ptrdiff_t lda, const fnn_real *b, ptrdiff_t ldb, fnn_real beta,
                             fnn_real *c, ptrdiff_t ldc)
{
    fnni_gemm g;
    fnn_context own, *used;
    fnn_result result;
    if (m < 0 || n < 0 || k < 0) return FNN_ERROR_ARGUMENT;
    if (lda < (transpose_a ? m : k) || ldb < (transpose_b ? k : n) || ldc < n)
        return FNN_ERROR_ARGUMENT;
    if ((m > 0 && n > 0) && (!c || (alpha != 0 && k > 0 && (!a || !b)))) return FNN_ERROR_ARGUMENT;
    memset(&g, 0, sizeof g);
    g.transpose_a = transpose_a != 0;
    g.transpose_b = transpose_b != 0;
    g.m = m;
    g.n = n;
    g.k = k;
    g.alpha = alpha;
    g.beta = beta;
    g.a = a;
    g.b = b;
    g.c = c;
    g.lda = lda;
    g.ldb = ldb;
    g.ldc = ldc;
    used = fnni_context_borrow(context, &own);
    if (!used) return FNN_ERROR_ARGUMENT;
    result = fnni_gemm_run(used, &g);
    if (!context) fnni_context_close(&own);
    return result;
}

/* ============================================================================
 * >>windows  what slides over an image: shapes, im2col, image by image
 * ============================================================================
 * A window (fnn_window) is what convolutions and pools have in common. */

#define FNNI_MAX_POOL_WINDOW 256     /* positions, which an index of one byte tells apart */
#define FNNI_LARGEST_LAYER (1 << 28) /* outputs: keeps products of sizes within ptrdiff_t and int */

#define FNNI_PADDING_NAME(kind, name) #name,
static const char *const fnni_padding_names[] = {FNN_PADDING_LIST(FNNI_PADDING_NAME)};
#undef FNNI_PADDING_NAME

/* Whether the caller says how much. */
static int fnni_padding_is_given(fnn_padding padding)
{
    return padding == FNN_EXPLICIT;
}

/* Output length of one axis between two pads; 0 when the kernel or the output does not fit. Since a
 * pad is less than the kernel every window has a part inside the image: the first one ends behind
 * the pad in front, the last one begins before the pad behind. */
static int fnni_window_padded(int length, int kernel, int stride, int pad)
{
    const int64_t room = (int64_t)length + 2 * (int64_t)pad - kernel; /* last offset that fits */
    if (pad < 0 || pad >= kernel || room < 0 || room / stride >= INT_MAX) return 0;
    return (int)(room / stride) + 1;
}

/* Output length and leading padding of one axis, which is given under FNN_EXPLICIT; 0 when the
 * kernel does not fit. */
static int fnni_window_axis(int length, int kernel, int stride, fnn_padding padding, int *pad)
{
    int64_t total;
    int out;
    if (length < 1 || kernel < 1 || stride < 1) return 0;
    if (fnni_padding_is_given(padding)) return fnni_window_padded(length, kernel, stride, *pad);
    *pad = 0;
    if (padding == FNN_VALID) return kernel > length ? 0 : (length - kernel) / stride + 1;
    out = (int)(((int64_t)length + stride - 1) / stride);
    total = (int64_t)(out - 1) * stride + kernel - length;
    if (total > 0) *pad = (int)(total / 2);
    return out;
}

static int fnni_window_fill(fnn_window *w, fnn_padding padding)
{
    w->out_height =
        fnni_window_axis(w->height, w->kernel_height, w->stride_height, padding, &w->pad_top);
    w->out_width =
        fnni_window_axis(w->width, w->kernel_width, w->stride_width, padding, &w->pad_left);
    return w->out_height > 0 && w->out_width > 0 && w->channels > 0;
}

/* Fills in a window with these pads, which FNN_EXPLICIT alone reads. */
static fnn_result fnni_window_make(int height, int width, int channels, int kernel_height,
                                   int kernel_width, int stride_height, int stride_width,
                                   fnn_padding padding, int pad_height, int pad_width,
                                   fnn_window *window)
{
    if (window) memset(window, 0, sizeof *window);
    if (!window || (unsigned)padding >= FNN_PADDING_COUNT) return FNN_ERROR_ARGUMENT;
    window->height = height;
    window->width = width;
    window->channels = channels;
    window->kernel_height = kernel_height;
    window->kernel_width = kernel_width;
    window->stride_height = stride_height;
    window->stride_width = stride_width;
    window->pad_top = pad_height;
    window->pad_left = pad_width;
    if (fnni_window_fill(window, padding)) return FNN_OK;
    memset(window, 0, sizeof *window);
    return FNN_ERROR_ARGUMENT;
}

FNN_DEF fnn_result fnn_window_make(int height, int width, int channels, int kernel_height,
                                   int kernel_width, int stride_height, int stride_width,
                                   fnn_padding padding, fnn_window *window)
{
    const int unknown = fnni_padding_is_given(padding) ? -1 : 0; /* pads that nobody gave */
    return fnni_window_make(height, width, channels, kernel_height, kernel_width, stride_height,
                            stride_width, padding, unknown, unknown, window);
}

FNN_DEF fnn_result fnn_window_make_padded(int height, int width, int channels, int kernel_height,
                                          int kernel_width, int stride_height, int stride_width,
                                          int pad_height, int pad_width, fnn_window *window)
{
    return fnni_window_make(height, width, channels, kernel_height, kernel_width, stride_height,
                            stride_width, FNN_EXPLICIT, pad_height, pad_width, window);
}

/* Whether images of this window and so many filters can be addressed. */
static int fnni_window_usable(const fnn_window *w, int filters, ptrdiff_t images)
{
    const int most = FNNI_LARGEST_LAYER;
    const double in = w ? (double)w->height * w->width * w->channels : 0;
    const double out = w ? (double)w->out_height * w->out_width * filters : 0;
    double seen;
    size_t reals;
    if (!w || filters < 1 || filters > most || images < 0) return 0;
    if (w->height < 1 || w->width < 1 || w->channels < 1 || w->kernel_height < 1) return 0;
    if (w->kernel_width < 1 || w->stride_height < 1 || w->stride_width < 1) return 0;
    if (w->out_height < 1 || w->out_width < 1 || in > most || out > most) return 0;
    if ((double)w->kernel_height * w->kernel_width * w->channels * filters > most) return 0;
    if (w->pad_top < 0 || w->pad_top > most || w->pad_left < 0 || w->pad_left > most) return 0;
    if ((double)(w->out_height - 1) * w->stride_height + w->kernel_height > 2.0 * most) return 0;
    seen = (double)(w->out_width - 1) * w->stride_width + w->kernel_width;
    if (seen > 2.0 * most || seen * w->channels > (double)PTRDIFF_MAX) return 0;
    return fnni_multiply((size_t)images, (size_t)(in > out ? in : out) * sizeof(fnn_real), &reals);
}

/* Whether a window is one that fnn_window_make could have made: each of its places has a part
 * inside the image, which the kernels take for granted. */
static int fnni_axis_sound(int length, int kernel, int stride, int pad, int out)
{
    return length > 0 && kernel > 0 && stride > 0 && out > 0 && pad >= 0 && pad < kernel &&
           (int64_t)(out - 1) * stride - pad < length;
}

static int fnni_window_sound(const fnn_window *w)
{
    return w && w->channels > 0 &&
           fnni_axis_sound(w->height, w->kernel_height, w->stride_height, w->pad_top,
                           w->out_height) &&
           fnni_axis_sound(w->width, w->kernel_width, w->stride_width, w->pad_left, w->out_width);
}

/* Work on images one by one. One side of it is an image (height, width, channels), the other what
 * the windows make of it (out_height, out_width, channels), or all that they see (`columns`). */
typedef struct fnni_images fnni_images;
struct fnni_images {
    void (*one)(const fnni_images *g, ptrdiff_t i, const fnn_real *in, fnn_real *out);
    const fnni_kernels *kernels;
    const fnn_window *window;
    int back, columns; /* back: the image is the side that is written */
    ptrdiff_t images, in_size, out_size;
    const fnn_real *in;
    fnn_real *out;
    const uint8_t *index; /* of the way back through a max pool: as many as numbers in */
    uint8_t *new_index;   /* of the way there, as many as numbers out; or NULL */
};

static void fnni_images_part(void *argument, int part, int parts)
{
    const fnni_images *g = (const fnni_images *)argument;
    ptrdiff_t i = fnni_share_begin(g->images, part, parts);
    for (; i < fnni_share_begin(g->images, part + 1, parts); i++)
        g->one(g, i, g->in + i * g->in_size, g->out + i * g->out_size);
}

/* Checks everything and runs. */
static fnn_result fnni_images_run(const fnn_context *context, fnni_images *g)
{
    const fnn_window *w = g->window;
    ptrdiff_t image, made, total;
    g->kernels = fnni_table(context);
    if (!g->kernels || !fnni_window_sound(w)) return FNN_ERROR_ARGUMENT;
    image = fnni_area(fnni_area(w->height, w->width), w->channels);
    made = fnni_area(fnni_area(w->out_height, w->out_width), w->channels);
    if (g->columns) made = fnni_area(made, fnni_area(w->kernel_height, w->kernel_width));
    g->in_size = g->back ? made : image;
    g->out_size = g->back ? image : made;
    total = fnni_area(g->images, image) < 0 ? -1 : fnni_area(g->images, made);
    if (!fnni_usable(g->kernels, total, g->in) || !fnni_usable(g->kernels, total, g->out))
        return FNN_ERROR_ARGUMENT;
    if (g->images > 0) {
        const int threads = fnni_threads_for(context, g->images * made);
        fnni_parallel(g->images < threads ? (int)g->images : threads, fnni_images_part, g);
    }
    return FNN_OK;
}

static fnni_images fnni_images_of(const fnn_window *window, ptrdiff_t images, int back,
                                  const fnn_real *in, fnn_real *out)
{
    fnni_images g;
    memset(&g, 0, sizeof g);
    g.window = window;
    g.images = images;
    g.back = back;
    g.in = in;
    g.out = out;
    return g;
}

static void fnni_image_im2col(const fnni_images *g, ptrdiff_t i, const fnn_real *in, fnn_real *out)
{
    (void)i;
    g->kernels->im2col(g->window, in, out);
}

FNN_DEF fnn_result fnn_im2col(fnn_context *context, const fnn_window *window, ptrdiff_t images,
                              const fnn_real *x, fnn_real *columns)
{
    fnni_images g = fnni_images_of(window, images, 0, x, columns);
    g.columns = 1;
    g.one = fnni_image_im2col;
    return fnni_images_run(context, &g);
}

static void fnni_image_col2im(const fnni_images *g, ptrdiff_t i, const fnn_real *in, fnn_real *out)
{
    (void)i;
    g->kernels->col2im(g->window, in, out);
}

FNN_DEF fnn_result fnn_col2im(fnn_context *context, const fnn_window *window, ptrdiff_t images,
                              const fnn_real *columns, fnn_real *dx)
{
    fnni_images g = fnni_images_of(window, images, 1, columns, dx);
    g.columns = 1;
    g.one = fnni_image_col2im;
    return fnni_images_run(context, &g);
}

/* ============================================================================
 * >>conv  convolutions as products of tiles, no instruction set here
 * ============================================================================
 * A convolution is a matrix product whose A is never stored: a tile's rows are neighbouring output
 * pixels, and the steps of its sum walk along the input's own rows, one segment a kernel row
 * (fnni_tiles). Padding costs nothing where there are channels enough for it: kernel rows above or
 * below the image are left out, and so are the taps beside it, whose pixels go in tiles of their
 * own, down the image's edges. Few channels, and the corners, take their rows from a padded copy.
 * The gradient towards the input is the same thing with the kernel turned round, one such
 * correlation for each phase of the stride; the gradient towards the weights has rows = taps x
 * channels and steps = output pixels.
 *
 * Where filters fill a vector only in part, several neighbouring pixels share it (`pixels`): the
 * kernel is widened to see all their windows, with zeros for the taps that are not a pixel's own.
 *
 * The order of each sum depends on the window alone: not on threads, nor on other images. */

/* One image's correlation with `filters` kernels. Pads may be negative: the first window then
 * begins inside the image. */
typedef struct fnni_conv {
    const fnni_kernels *kernels;
    int height, width, channels, filters;
    int kernel_height, kernel_width, stride_height, stride_width;
    int pad_top, pad_left, out_height, out_width;
    ptrdiff_t out_pixel, out_row; /* reals from one output pixel, or row, to the next */
    /* Where a tap's weight lies: w[row*i + column*j + channel*c + filter*f]. */
    ptrdiff_t w_row, w_column, w_channel, w_filter;
    int pixels; /* neighbouring output pixels that share a tile's columns */
} fnni_conv;

/* Pixels that fit into one vector beside each other, of so few filters. */
#define FNNI_CONV_FEW 8
static int fnni_conv_pixels(const fnni_kernels *kernels, int filters, int width)
{
    const int fit = filters > FNNI_CONV_FEW ? 1 : kernels->lanes / filters;
    return fit < 1 ? 1 : fit < width ? fit : width;
}

static fnni_conv fnni_conv_make(const fnni_kernels *kernels, const fnn_window *w, int filters)
{
    fnni_conv g;
    g.kernels = kernels;
    g.height = w->height;
    g.width = w->width;
    g.channels = w->channels;
    g.filters = filters;
    g.kernel_height = w->kernel_height;
    g.kernel_width = w->kernel_width;
    g.stride_height = w->out_height > 1 ? w->stride_height : 1; /* one window takes no stride, */
    g.stride_width = w->out_width > 1 ? w->stride_width : 1;    /* which may be any number then */
    g.pad_top = w->pad_top;
    g.pad_left = w->pad_left;
    g.out_height = w->out_height;
    g.out_width = w->out_width;
    g.out_pixel = filters;
    g.out_row = (ptrdiff_t)filters * w->out_width;
    g.w_filter = 1;
    g.w_channel = filters;
    g.w_column = g.w_channel * w->channels;
    g.w_row = g.w_column * w->kernel_width;
    g.pixels = w->stride_width < w->kernel_width || w->stride_width == 1
                   ? fnni_conv_pixels(kernels, filters, w->out_width)
                   : 1; /* windows that share nothing: the widened kernel would be zeros */
    return g;
}

/* Taps in a row of the kernel widened for all its pixels. */
static int fnni_conv_taps(const fnni_conv *g)
{
    return g->kernel_width + (g->pixels - 1) * g->stride_width;
}

/* Steps of a kernel row, and of the whole sum, where memory for its weights has been had. */
static ptrdiff_t fnni_conv_segment(const fnni_conv *g)
{
    return (ptrdiff_t)fnni_conv_taps(g) * g->channels;
}

static ptrdiff_t fnni_conv_depth(const fnni_conv *g)
{
    return fnni_conv_segment(g) * g->kernel_height;
}

static int fnni_conv_columns(const fnni_conv *g)
{
    return g->filters * g->pixels;
}

/* Rows of `columns` reals, one for each step of the sum, before memory is taken. */
static size_t fnni_conv_matrix(const fnni_conv *g, ptrdiff_t columns)
{
    const size_t segment = fnni_times((size_t)fnni_conv_taps(g), (size_t)g->channels);
    return fnni_times(fnni_times(segment, (size_t)g->kernel_height), (size_t)columns);
}

/* ---- weights in panels, as a packed B of the tiles; behind them the bias, for the tiles to start
 * with ---- */

static fnn_real *fnni_conv_start(const fnni_conv *g, const fnn_real *panels)
{
    return (fnn_real *)panels +
           fnni_gemm_packed_size(g->kernels, fnni_conv_depth(g), fnni_conv_columns(g));
}

static size_t fnni_conv_packed_size(const fnni_conv *g)
{
    const int columns = fnni_conv_columns(g);
    return fnni_plus(fnni_conv_matrix(g, fnni_round_up(columns, g->kernels->tile_columns)),
                     fnni_round((size_t)columns));
}

/* Filters from..to-1 of one tap and channel, for one of the pixels, to their columns in the panels;
 * step is the tap's place in the sum. */
static void fnni_conv_pack_step(const fnni_conv *g, const fnn_real *w, ptrdiff_t step, int pixel,
                                fnn_real *panels)
{
    const int width = g->kernels->tile_columns;
    const ptrdiff_t depth = fnni_conv_depth(g);
    int f;
    for (f = 0; f < g->filters;) {
        const int column = pixel * g->filters + f, in = column % width;
        const int count = g->filters - f < width - in ? g->filters - f : width - in;
        fnn_real *to = panels + (ptrdiff_t)(column - in) * depth + step * width + in;
        int i;
        if (g->w_filter == 1) memcpy(to, w + f, (size_t)count * sizeof *to);
        else
            for (i = 0; i < count; i++) to[i] = w[(f + i) * g->w_filter];
        f += count;
    }
}

static void fnni_conv_pack(const fnni_conv *g, const fnn_real *w, const fnn_real *bias,
                           fnn_real *panels)
{
    const ptrdiff_t segment = fnni_conv_segment(g);
    fnn_real *start = fnni_conv_start(g, panels);
    int i, j, c, pixel;
    g->kernels->fill(fnni_conv_columns(g), 0, start);
    for (pixel = 0; bias && pixel < g->pixels; pixel++)
        memcpy(start + pixel * g->filters, bias, (size_t)g->filters * sizeof *start);
    if (g->pixels > 1 || g->filters % g->kernels->tile_columns)
        g->kernels->fill(start - panels, 0, panels);
    for (i = 0; i < g->kernel_height; i++)
        for (j = 0; j < g->kernel_width; j++)
            for (c = 0; c < g->channels; c++)
                for (pixel = 0; pixel < g->pixels; pixel++)
                    fnni_conv_pack_step(
                        g, w + i * g->w_row + j * g->w_column + c * g->w_channel,
                        i * segment + (ptrdiff_t)(j + pixel * g->stride_width) * g->channels + c,
                        pixel, panels);
}

/* ---- the image, padded where its rows are too short ---- */

/* Columns that the windows of a whole output row see. */
static int fnni_conv_seen(const fnni_conv *g)
{
    return (g->out_width - 1) * g->stride_width + g->kernel_width;
}

/* Whether windows reach beyond the image to the left or right. */
static int fnni_conv_overhangs(const fnni_conv *g)
{
    return g->pad_left > 0 || fnni_conv_seen(g) - g->pad_left > g->width;
}

/* Such windows leave taps out rather than read a padded copy where what they save is worth the
 * shorter sums. */
#define FNNI_CONV_EDGES 8 /* channels */
static int fnni_conv_has_edges(const fnni_conv *g)
{
    return fnni_conv_overhangs(g) && g->pixels == 1 && g->channels >= FNNI_CONV_EDGES;
}

/* Reals of the copy: of the whole image, or of the rows of one output row. */
static size_t fnni_conv_image_size(const fnni_conv *g)
{
    const int rows = fnni_conv_has_edges(g) ? g->kernel_height : g->height;
    if (!fnni_conv_overhangs(g)) return 0;
    return fnni_times(fnni_times((size_t)fnni_conv_seen(g), (size_t)g->channels), (size_t)rows);
}

/* One row of the copy: what the windows see of the image's row, zeros outside. */
static void fnni_conv_copy_row(const fnni_conv *g, const fnn_real *row, fnn_real *copy)
{
    const int seen = fnni_conv_seen(g);
    const int left = g->pad_left < 0 ? 0 : g->pad_left < seen ? g->pad_left : seen;
    const int from = g->pad_left > 0 ? 0 : -g->pad_left < g->width ? -g->pad_left : g->width;
    const int inside = g->width - from < seen - left ? g->width - from : seen - left;
    const int count = inside < 0 ? 0 : inside;
    const size_t channels = (size_t)g->channels;
    memset(copy, 0, (size_t)left * channels * sizeof *copy);
    memcpy(copy + (size_t)left * channels, row + (size_t)from * channels,
           (size_t)count * channels * sizeof *copy);
    memset(copy + (size_t)(left + count) * channels, 0,
           (size_t)(seen - left - count) * channels * sizeof *copy);
}

/* The image as its windows read it. */
typedef struct fnni_conv_input {
    const fnn_real *x; /* its rows, or the padded copy's */
    ptrdiff_t pitch;   /* reals from row to row */
    int left;          /* column of x that the first window begins at, less than 0 with edges */
    fnn_real *space;   /* for rows padded later */
} fnni_conv_input;

static fnni_conv_input fnni_conv_image(const fnni_conv *g, const fnn_real *x, fnn_real *space)
{
    const ptrdiff_t row = (ptrdiff_t)g->width * g->channels;
    fnni_conv_input in;
    int i;
    in.x = x;
    in.pitch = row;
    in.left = -g->pad_left;
    in.space = space;
    if (!fnni_conv_overhangs(g) || fnni_conv_has_edges(g)) return in;
    in.x = space;
    in.pitch = (ptrdiff_t)fnni_conv_seen(g) * g->channels;
    in.left = 0;
    for (i = 0; i < g->height; i++) fnni_conv_copy_row(g, x + i * row, space + i * in.pitch);
    return in;
}

/* ---- tiles ---- */

/* A grid of output units, high tiles along one direction and runs of them along the other. */
typedef struct fnni_conv_direction {
    int count;
    ptrdiff_t a, c; /* reals from one unit to the next, in the input and in the output */
} fnni_conv_direction;

static void fnni_conv_grid(const fnni_kernels *kernels, fnni_tiles *run,
                           const fnni_conv_direction *tile, const fnni_conv_direction *along,
                           int columns, const fnn_real *a, const fnn_real *b, fnn_real *c)
{
    const fnni_gemm_deal deal = fnni_gemm_deal_rows(kernels, tile->count);
    int t, done = 0;
    run->a_row = tile->a;
    run->a_group = 3 * tile->a;
    run->ldc = tile->c;
    run->count = along->count;
    run->a_next = along->a;
    run->b_next = 0;
    run->c_next = along->c;
    for (t = 0; t < deal.tiles; t++) {
        const int rows = deal.least + (t < deal.more);
        kernels->gemm_tiles(run, rows, columns, a + done * tile->a, b, c + done * tile->c);
        done += rows;
    }
}

/* Rows a tile has on average when `count` are dealt. */
static double fnni_conv_height(const fnni_kernels *kernels, int count)
{
    return (double)count / fnni_gemm_deal_rows(kernels, count).tiles;
}

/* The kernel's part that all windows of a band have inside the image. Of a 3 x 3 kernel on an image
 * padded by one pixel:
 *     output row 0            kernel rows 1 2, since row 0 lies above the image     a band of 1
 *     output rows 1 to H - 2  kernel rows 0 1 2                                     one band
 *     output row H - 1        kernel rows 0 1                                       a band of 1
 * and in each of them (fnni_conv_edges) the left column has taps 1 2, the right one taps 0 1, all
 * between them taps 0 1 2, in one grid of tiles. */
typedef struct fnni_conv_taken {
    int first_row, last_row; /* kernel rows first..last-1 */
    int first_tap, last_tap; /* of each row, the widened taps first..last-1 */
} fnni_conv_taken;

/* `groups` groups of pixels in `rows` output rows, with that part of the kernel; a is the first tap
 * of the first window, y where its sum goes. */
static void fnni_conv_band(const fnni_conv *g, const fnni_conv_taken *part, const fnn_real *a,
                           ptrdiff_t pitch, int rows, int groups, const fnn_real *panels,
                           fnn_real *y)
{
    const fnni_kernels *kernels = g->kernels;
    const int width = kernels->tile_columns, columns = fnni_conv_columns(g);
    const ptrdiff_t depth = fnni_conv_depth(g), segment = fnni_conv_segment(g);
    const ptrdiff_t skipped = (ptrdiff_t)part->first_tap * g->channels;
    fnni_conv_direction across, down;
    fnni_tiles run;
    int j, upright;
    across.count = groups;
    across.a = groups > 1 ? (ptrdiff_t)g->pixels * g->stride_width * g->channels : 0;
    across.c = g->pixels * g->out_pixel;
    down.count = rows;
    down.a = rows > 1 ? g->stride_height * pitch : 0; /* to a row that is not there may not fit */
    down.c = g->out_row;
    upright = fnni_conv_height(kernels, rows) > fnni_conv_height(kernels, groups);
    run.k = (ptrdiff_t)(part->last_tap - part->first_tap) * g->channels;
    run.segments = part->last_row - part->first_row;
    run.a_segment = pitch;
    run.a_step = 1;
    run.ldb = width;
    run.b_jump = (segment - run.k) * width;
    run.alpha = 1;
    run.beta = 0;
    run.prefetch_c = run.prefetch_rows = 0;
    for (j = 0; j < columns; j += width) {
        run.start = fnni_conv_start(g, panels) + j;
        fnni_conv_grid(kernels, &run, upright ? &down : &across, upright ? &across : &down,
                       columns - j < width ? columns - j : width, a,
                       panels + j * depth + (part->first_row * segment + skipped) * width, y + j);
    }
}

/* First kernel row inside the image for output row i, and the one behind the last. */
static int fnni_conv_first(const fnni_conv *g, int i)
{
    const int above = g->pad_top - i * g->stride_height;
    return above < 0 ? 0 : above < g->kernel_height ? above : g->kernel_height;
}

static int fnni_conv_last(const fnni_conv *g, int i)
{
    const int below = g->height + g->pad_top - i * g->stride_height;
    return below < 0 ? 0 : below < g->kernel_height ? below : g->kernel_height;
}

/* How many output rows from i on (below `to`) see the same kernel rows: all that lie inside. */
static int fnni_conv_alike(const fnni_conv *g, int i, int to)
{
    const int room = g->height + g->pad_top - g->kernel_height; /* last row offset that fits */
    int end;
    if (fnni_conv_first(g, i) > 0 || fnni_conv_last(g, i) < g->kernel_height) return 1;
    end = room / g->stride_height + 1;
    return (end < to ? end : to) - i;
}

/* Whole output rows, whose windows x holds entire: it begins where the first of them does. */
static void fnni_conv_whole(const fnni_conv *g, const fnni_conv_taken *part, const fnn_real *x,
                            ptrdiff_t pitch, int rows, const fnn_real *panels, fnn_real *y)
{
    const int groups = g->out_width / g->pixels, pixel = g->out_width - g->pixels;
    fnni_conv_band(g, part, x, pitch, rows, groups, panels, y);
    if (groups * g->pixels < g->out_width) /* a last group, over pixels done before */
        fnni_conv_band(g, part, x + (ptrdiff_t)pixel * g->stride_width * g->channels, pitch, rows,
                       1, panels, y + pixel * g->out_pixel);
}

/* Output columns from..to-1 whose windows lie inside the image from left to right. */
static void fnni_conv_middle(const fnni_conv *g, int *from, int *to)
{
    const int room = g->width + g->pad_left - g->kernel_width; /* last column offset that fits */
    const int first = g->pad_left > 0 ? (g->pad_left - 1) / g->stride_width + 1 : 0;
    const int last = room < 0 ? 0 : room / g->stride_width + 1;
    *to = last < g->out_width ? last : g->out_width;
    *from = first < *to ? first : *to;
}

/* Rows with edges: the middle at once, each pixel at an edge with the taps it has. x is the image's
 * row that the first window begins at. */
static void fnni_conv_edges(const fnni_conv *g, const fnn_real *x, ptrdiff_t pitch, int rows,
                            const fnn_real *panels, fnn_real *y)
{
    fnni_conv_taken part;
    int j, from, to;
    part.first_row = 0;
    part.last_row = g->kernel_height;
    fnni_conv_middle(g, &from, &to);
    for (j = 0; j < g->out_width; j++) {
        const int count = j == from && to > from ? to - from : 1;
        const int column = j * g->stride_width - g->pad_left, inside = g->width - column;
        part.first_tap = column < 0 ? -column : 0;
        part.last_tap = inside < g->kernel_width ? inside : g->kernel_width;
        fnni_conv_band(g, &part, x + (ptrdiff_t)(column + part.first_tap) * g->channels, pitch,
                       rows, count, panels, y + j * g->out_pixel);
        j += count - 1;
    }
}

/* Whether every window has a tap inside the image, as those of fnn_window_make have. */
static int fnni_conv_reaches(const fnni_conv *g)
{
    return g->pad_left < g->kernel_width &&
           (g->out_width - 1) * g->stride_width - g->pad_left < g->width;
}

/* Output rows from..to-1 before the activation; y is where row `from` goes. */
static void fnni_conv_rows(const fnni_conv *g, const fnni_conv_input *in, const fnn_real *panels,
                           int from, int to, fnn_real *y)
{
    const int edges = fnni_conv_has_edges(g);
    int i = from, rows, j;
    for (; i < to; i += rows, y += rows * g->out_row) {
        const int top = i * g->stride_height - g->pad_top; /* outside of the image, perhaps */
        fnni_conv_taken part;
        part.first_row = fnni_conv_first(g, i);
        part.last_row = fnni_conv_last(g, i);
        part.first_tap = 0;
        part.last_tap = fnni_conv_taps(g);
        rows = fnni_conv_alike(g, i, to);
        if (part.first_row >= part.last_row) /* the window lies outside of the image */
            for (j = 0; j < g->out_width; j++)
                memcpy(y + j * g->out_pixel, fnni_conv_start(g, panels),
                       (size_t)g->filters * sizeof *y);
        else if (!edges)
            fnni_conv_whole(g, &part,
                            in->x + (top + part.first_row) * in->pitch +
                                (ptrdiff_t)in->left * g->channels,
                            in->pitch, rows, panels, y);
        else if (part.last_row - part.first_row == g->kernel_height && fnni_conv_reaches(g))
            fnni_conv_edges(g, in->x + top * in->pitch, in->pitch, rows, panels, y);
        else { /* a row at the top or bottom: its corners would be tiles of one pixel */
            const ptrdiff_t pitch = (ptrdiff_t)fnni_conv_seen(g) * g->channels;
            rows = 1;
            for (j = part.first_row; j < part.last_row; j++)
                fnni_conv_copy_row(g, in->x + (top + j) * in->pitch,
                                   in->space + (j - part.first_row) * pitch);
            fnni_conv_whole(g, &part, in->space, pitch, 1, panels, y);
        }
    }
}

/* Output rows computed together: what they leave, 128 KiB, stays in the second cache for what is
 * next. (The first would do for fewer rows, whose tiles at the edges cost more than it saves.) */
static int fnni_conv_band_rows(const fnn_window *w, int filters)
{
    const int rows = 32768 / (w->out_width * filters);
    return rows < 1 ? 1 : rows < w->out_height ? rows : w->out_height;
}

/* One image: y = f(x * W + b), compact, band by band. */
static void fnni_conv_forward_image(const fnni_conv *g, int band, const fnni_conv_input *in,
                                    const fnn_real *panels, fnn_activation f, fnn_real parameter,
                                    fnn_real *y)
{
    int row, rows;
    for (row = 0; row < g->out_height; row += rows, y += rows * g->out_row) {
        rows = g->out_height - row < band ? g->out_height - row : band;
        fnni_conv_rows(g, in, panels, row, row + rows, y);
        g->kernels->activation(f, parameter, rows * g->out_row, y, y);
    }
}

/* ---- the gradient towards the input: a correlation for each phase of the stride ---- */

/* Along one axis, the inputs `phase`, phase + stride, ... get their gradient through the same
 * taps: it is a correlation of dy with these taps, the last first, and with stride 1. A kernel of
 * three taps a b c on five inputs, stride 2, pad 1:
 *     input     0  1  2  3  4
 *     output 0  b  c              phase 0, inputs 0 2 4: dx = b dy(0), b dy(1), b dy(2)
 *     output 1     a  b  c        phase 1, inputs 1 3: dx = c dy(0) + a dy(1), c dy(1) + a dy(2)
 *     output 2           a  b
 * so phase 0 has first_tap 1 and taps 1, phase 1 first_tap 0 and taps 2; the sum for the first
 * input of a phase begins at output -pad. */
typedef struct fnni_conv_phase {
    int taps, first_tap, pad, count;
} fnni_conv_phase;

static fnni_conv_phase fnni_conv_phase_make(int phase, int length, int kernel, int stride, int pad)
{
    fnni_conv_phase p;
    p.first_tap = (phase + pad) % stride;
    p.taps = kernel > p.first_tap ? (kernel - p.first_tap - 1) / stride + 1 : 0;
    p.pad = p.taps - 1 - (phase + pad) / stride;
    p.count = (length - phase - 1) / stride + 1; /* phase < length */
    return p;
}

/* Phases of a window that have inputs: one when the stride is one, no more than pixels. */
static int fnni_conv_phase_columns(const fnn_window *w)
{
    return w->stride_width < w->width ? w->stride_width : w->width;
}

static int fnni_conv_phases(const fnn_window *w)
{
    return (w->stride_height < w->height ? w->stride_height : w->height) *
           fnni_conv_phase_columns(w);
}

/* The correlation of dy that gives one phase of dx; *weights is moved to its first tap, *dx to its
 * first pixel. 0 when there is none: no tap reaches these inputs. */
static int fnni_conv_backward(const fnni_kernels *kernels, const fnn_window *w, int filters,
                              int phase, fnni_conv *g, const fnn_real **weights, fnn_real **dx)
{
    const int phase_row = phase / fnni_conv_phase_columns(w);
    const int phase_column = phase % fnni_conv_phase_columns(w);
    const fnni_conv_phase row =
        fnni_conv_phase_make(phase_row, w->height, w->kernel_height, w->stride_height, w->pad_top);
    const fnni_conv_phase column =
        fnni_conv_phase_make(phase_column, w->width, w->kernel_width, w->stride_width, w->pad_left);
    const ptrdiff_t tap = (ptrdiff_t)w->channels * filters, line = tap * w->kernel_width;
    g->kernels = kernels;
    g->height = w->out_height;
    g->width = w->out_width;
    g->channels = filters;
    g->filters = w->channels;
    g->kernel_height = row.taps;
    g->kernel_width = column.taps;
    g->stride_height = g->stride_width = 1;
    g->pad_top = row.pad;
    g->pad_left = column.pad;
    g->out_height = row.count;
    g->out_width = column.count;
    g->out_pixel = column.count > 1 ? (ptrdiff_t)w->stride_width * w->channels : w->channels;
    g->out_row = row.count > 1 ? (ptrdiff_t)w->stride_height * w->width * w->channels : 0;
    g->w_filter = filters; /* dx's channels are this correlation's filters */
    g->w_channel = 1;
    g->w_column = column.taps > 1 ? -w->stride_width * tap : 0; /* within the kernel, or unused */
    g->w_row = row.taps > 1 ? -w->stride_height * line : 0;
    g->pixels = w->stride_width > 1 ? 1 : fnni_conv_pixels(kernels, w->channels, w->width);
    if (row.taps == 0 || column.taps == 0 || row.count <= 0 || column.count <= 0) return 0;
    if (*weights)
        *weights += (row.first_tap + (row.taps - 1) * w->stride_height) * line +
                    (column.first_tap + (column.taps - 1) * w->stride_width) * tap;
    if (*dx) *dx += phase_row * w->width * w->channels + phase_column * w->channels;
    return 1;
}

/* Reals of the packed weights of all phases, and the most that a phase's copy of dy takes. */
static void fnni_conv_backward_size(const fnni_kernels *kernels, const fnn_window *w, int filters,
                                    size_t *packed, size_t *image)
{
    int phase;
    *packed = *image = 0;
    for (phase = 0; phase < fnni_conv_phases(w); phase++) {
        const fnn_real *no_weights = NULL;
        fnn_real *no_dx = NULL;
        fnni_conv g;
        size_t size;
        if (!fnni_conv_backward(kernels, w, filters, phase, &g, &no_weights, &no_dx)) continue;
        *packed = fnni_plus(*packed, fnni_conv_packed_size(&g));
        size = fnni_conv_image_size(&g);
        if (size > *image) *image = size;
    }
}

static void fnni_conv_backward_pack(const fnni_kernels *kernels, const fnn_window *w, int filters,
                                    const fnn_real *weights, fnn_real *packed)
{
    int phase;
    for (phase = 0; phase < fnni_conv_phases(w); phase++) {
        const fnn_real *first = weights;
        fnn_real *no_dx = NULL;
        fnni_conv g;
        if (!fnni_conv_backward(kernels, w, filters, phase, &g, &first, &no_dx)) continue;
        fnni_conv_pack(&g, first, NULL, packed);
        packed += fnni_conv_packed_size(&g);
    }
}

/* dx of one image, overwritten. */
static void fnni_conv_backward_image(const fnni_kernels *kernels, const fnn_window *w, int filters,
                                     const fnn_real *dy, const fnn_real *packed, fnn_real *dx,
                                     fnn_real *space)
{
    int phase;
    if (w->stride_height > w->kernel_height || w->stride_width > w->kernel_width)
        memset(dx, 0, (size_t)w->height * (size_t)w->width * (size_t)w->channels * sizeof *dx);
    for (phase = 0; phase < fnni_conv_phases(w); phase++) {
        const fnn_real *no_weights = NULL;
        fnn_real *first = dx;
        fnni_conv_input image;
        fnni_conv g;
        if (!fnni_conv_backward(kernels, w, filters, phase, &g, &no_weights, &first)) continue;
        image = fnni_conv_image(&g, dy, space);
        fnni_conv_rows(&g, &image, packed, 0, g.out_height, first);
        packed += fnni_conv_packed_size(&g);
    }
}

/* ---- the gradient towards the weights ---- */

/* Reals of a gradient of the widened kernel: kernel rows x widened taps x channels rows of
 * filters * pixels, then the biases, then space for one image's. fnni_conv_fold makes dw of it. */
static size_t fnni_conv_wide_size(const fnni_conv *g)
{
    const size_t count = fnni_conv_matrix(g, fnni_conv_columns(g));
    return fnni_round(fnni_plus(count, 2 * (size_t)g->filters)); /* whole cache lines */
}

static fnn_real *fnni_conv_wide_biases(const fnni_conv *g, fnn_real *wide)
{
    return wide + fnni_conv_depth(g) * fnni_conv_columns(g);
}

/* What the tiles of one image's gradient share; k and the steps are set by those who call. */
static fnni_tiles fnni_conv_weight_run(const fnni_conv *g, ptrdiff_t pitch, int accumulate)
{
    fnni_tiles run;
    run.a_row = 1;
    run.a_group = 3;
    /* Where no second row, or group, is inside the image, the way to it may not fit. */
    run.a_segment = g->stride_height < g->height ? g->stride_height * pitch : 0;
    run.a_step =
        g->out_width > g->pixels ? (ptrdiff_t)g->pixels * g->stride_width * g->channels : 0;
    run.ldb = run.ldc = fnni_conv_columns(g);
    run.start = NULL;
    run.alpha = 1;
    run.beta = accumulate ? (fnn_real)1 : (fnn_real)0;
    run.prefetch_c = run.prefetch_rows = 0;
    return run;
}

/* c (m,n) = or += a^T b for the run's steps, panel after panel of columns. */
static void fnni_conv_weight_tiles(const fnni_kernels *kernels, fnni_tiles *run, ptrdiff_t m, int n,
                                   const fnn_real *a, const fnn_real *b, fnn_real *c)
{
    const fnni_gemm_deal deal = fnni_gemm_deal_rows(kernels, m);
    const ptrdiff_t high = (ptrdiff_t)deal.more * (deal.least + 1);
    const int width = kernels->tile_columns;
    int j;
    run->b_next = 0;
    for (j = 0; j < n; j += width) {
        const int columns = n - j < width ? n - j : width;
        run->count = deal.more;
        run->a_next = deal.least + 1;
        run->c_next = (deal.least + 1) * run->ldc;
        if (run->count) kernels->gemm_tiles(run, deal.least + 1, columns, a, b + j, c + j);
        run->count = deal.tiles - deal.more;
        run->a_next = deal.least;
        run->c_next = deal.least * run->ldc;
        if (run->count)
            kernels->gemm_tiles(run, deal.least, columns, a + high, b + j, c + high * run->ldc + j);
    }
}

/* Output rows first..last-1 whose window has kernel row i inside the image; likewise columns. */
static void fnni_conv_seeing(int i, int pad, int length, int stride, int outputs, int *first,
                             int *last)
{
    const int above = pad - i, below = length + pad - i;
    const int fit = below > 0 ? (below - 1) / stride + 1 : 0;
    *first = above > 0 ? (above - 1) / stride + 1 : 0; /* rounded up, and nothing overflows */
    *last = fit < outputs ? fit : outputs;
}

/* Kernel row i with edges: for taps that the same columns see, the sum over those columns. */
static void fnni_conv_weight_edges(const fnni_conv *g, int i, const fnni_conv_input *in,
                                   const fnn_real *dy, fnni_tiles *run, int first, fnn_real *c)
{
    const ptrdiff_t row = (ptrdiff_t)(first * g->stride_height + i - g->pad_top) * in->pitch;
    int tap = 0, taps;
    for (; tap < g->kernel_width; tap += taps) {
        int from, to, other_from, other_to;
        fnni_conv_seeing(tap, g->pad_left, g->width, g->stride_width, g->out_width, &from, &to);
        for (taps = 1; tap + taps < g->kernel_width; taps++) {
            fnni_conv_seeing(tap + taps, g->pad_left, g->width, g->stride_width, g->out_width,
                             &other_from, &other_to);
            if (other_from != from || other_to != to) break;
        }
        if (from >= to) continue;
        run->k = to - from;
        run->b_jump = g->out_row - run->k * run->ldb;
        fnni_conv_weight_tiles(
            g->kernels, run, (ptrdiff_t)taps * g->channels, g->filters,
            in->x + row + (ptrdiff_t)(from * g->stride_width - g->pad_left + tap) * g->channels,
            dy + first * g->out_row + from * g->out_pixel, c + tap * g->channels * run->ldc);
    }
}

/* The rows of kernel row i: sums over all output pixels whose window has it inside the image. */
static void fnni_conv_weight_row(const fnni_conv *g, int i, const fnni_conv_input *in,
                                 const fnn_real *dy, int accumulate, fnn_real *wide)
{
    const ptrdiff_t m = fnni_conv_segment(g), narrow = (ptrdiff_t)g->kernel_width * g->channels;
    const int stride = g->stride_height, groups = g->out_width / g->pixels;
    fnni_tiles run = fnni_conv_weight_run(g, in->pitch, accumulate);
    fnn_real *c = wide + i * m * run.ldc;
    const fnn_real *a, *b;
    int pixel, first, last;
    fnni_conv_seeing(i, g->pad_top, g->height, stride, g->out_height, &first, &last);
    if (first >= last) return; /* none: what was there, or the zeros of a beginning */
    run.segments = last - first;
    if (fnni_conv_has_edges(g)) {
        fnni_conv_weight_edges(g, i, in, dy, &run, first, c);
        return;
    }
    a = in->x + (ptrdiff_t)(first * stride + i - g->pad_top) * in->pitch +
        (ptrdiff_t)in->left * g->channels;
    b = dy + first * g->out_row;
    run.k = groups;
    run.b_jump = g->out_row - groups * run.ldb;
    fnni_conv_weight_tiles(g->kernels, &run, m, fnni_conv_columns(g), a, b, c);
    run.beta = 1;
    run.k = 1; /* pixels left over: one at a time, in the first pixel's columns */
    run.b_jump = g->out_row - run.ldb;
    for (pixel = groups * g->pixels; pixel < g->out_width; pixel++)
        fnni_conv_weight_tiles(g->kernels, &run, narrow, g->filters,
                               a + (ptrdiff_t)pixel * g->stride_width * g->channels,
                               b + pixel * g->out_pixel, c);
}

/* The same for a kernel whose rows have three steps: all its rows in one tile, since a tile's rows
 * may lie in threes (fnni_tiles), one band of output rows after the other. */
static void fnni_conv_weight_threes(const fnni_conv *g, const fnni_conv_input *in,
                                    const fnn_real *dy, fnn_real *wide)
{
    const int most = g->kernels->tile_rows / 3, width = g->kernels->tile_columns;
    const ptrdiff_t pitch = in->pitch;
    fnni_tiles run = fnni_conv_weight_run(g, pitch, 1);
    int i, rows, from, j;
    run.a_group = pitch;
    run.k = g->out_width;
    run.b_jump = run.b_next = run.a_next = run.c_next = 0;
    run.count = 1;
    for (i = 0; i < g->out_height; i += rows) {
        const int first = fnni_conv_first(g, i), last = fnni_conv_last(g, i);
        const fnn_real *a = in->x + (ptrdiff_t)in->left * g->channels;
        const int top = i * g->stride_height - g->pad_top; /* outside of the image, perhaps */
        rows = fnni_conv_alike(g, i, g->out_height);
        run.segments = rows;
        for (from = first; from < last; from += most)
            for (j = 0; j < g->filters; j += width)
                g->kernels->gemm_tiles(&run, 3 * (last - from < most ? last - from : most),
                                       g->filters - j < width ? g->filters - j : width,
                                       a + (top + from) * pitch, dy + i * g->out_row + j,
                                       wide + from * 3 * run.ldc + j);
    }
}

/* One image's share of the gradients; accumulate 0 overwrites. dy is compact:
 * out_pixel is filters. */
static void fnni_conv_weights_image(const fnni_conv *g, const fnni_conv_input *in,
                                    const fnn_real *dy, int accumulate, fnn_real *wide)
{
    fnn_real *biases = fnni_conv_wide_biases(g, wide), *own = biases + g->filters;
    int i;
    if (!accumulate) g->kernels->fill((ptrdiff_t)fnni_conv_wide_size(g), 0, wide);
    if (g->pixels == 1 && fnni_conv_segment(g) == 3 && g->kernels->tile_rows >= 3)
        fnni_conv_weight_threes(g, in, dy, wide);
    else
        for (i = 0; i < g->kernel_height; i++) fnni_conv_weight_row(g, i, in, dy, accumulate, wide);
    g->kernels->column_sums((ptrdiff_t)g->out_height * g->out_width, g->filters, dy, g->filters,
                            own);
    g->kernels->add_scaled(g->filters, 1, own, biases);
}

/* dw's rows from..to-1 (of kernel_height * kernel_width * channels) from the wide gradients of
 * several shares, added in their order, each pixel's taps moved to where they belong. */
static void fnni_conv_fold(const fnni_conv *g, const fnn_real *wide, int shares, ptrdiff_t from,
                           ptrdiff_t to, fnn_real *dw)
{
    const ptrdiff_t line = (ptrdiff_t)g->kernel_width * g->channels, f = g->filters;
    const ptrdiff_t columns = fnni_conv_columns(g), size = (ptrdiff_t)fnni_conv_wide_size(g);
    const ptrdiff_t next = (ptrdiff_t)g->stride_width * g->channels * columns + f;
    fnn_real own[FNNI_CONV_FEW]; /* where pixels share a vector */
    ptrdiff_t row, count;
    int pixel;
    for (row = from; row < to; row += count, dw += count * f) {
        const fnn_real *x = wide + (row / line * fnni_conv_segment(g) + row % line) * columns;
        count = g->pixels > 1 ? 1 : to - row; /* rows that lie together in both */
        g->kernels->column_sums(shares, count * f, x, size, dw);
        for (pixel = 1; pixel < g->pixels; pixel++) {
            g->kernels->column_sums(shares, f, x + pixel * next, size, own);
            g->kernels->add_scaled(f, 1, own, dw);
        }
    }
}

static void fnni_conv_fold_biases(const fnni_conv *g, fnn_real *wide, int shares, fnn_real *db)
{
    g->kernels->column_sums(shares, g->filters, fnni_conv_wide_biases(g, wide),
                            (ptrdiff_t)fnni_conv_wide_size(g), db);
}

/* ---- many images ---- */

/* Sums over images are made in so many shares of neighbouring images, each added up by one thread,
 * whatever the number of threads, and then added in order. */
#define FNNI_SHARES 16
static int fnni_share_count(ptrdiff_t images)
{
    return images < FNNI_SHARES ? (int)images : FNNI_SHARES;
}

/* Asks for an array that is wanted soon, for the second-level cache: the tiles read images in steps
 * that no hardware foresees. Inlined by force, see fnni_prefetch_samples. */
FNNI_FORCE_INLINE void fnni_prefetch_reals(const fnn_real *x, ptrdiff_t count)
{
    const char *line = (const char *)x;
    ptrdiff_t left = count * (ptrdiff_t)sizeof(fnn_real);
    for (; left > 0; left -= 64, line += 64) FNNI_PREFETCH_L2(line);
}

/* One of the public convolutions on its way through the threads. */
typedef struct fnni_conv_job {
    const fnn_window *window;
    fnni_conv g; /* of the forward pass */
    ptrdiff_t images;
    const fnn_real *x, *dy, *packed;
    fnn_real *y, *dx, *wide;
    fnn_real *space; /* per_part reals for each part's padded image */
    size_t per_part;
    ptrdiff_t x_size, y_size; /* of an image */
} fnni_conv_job;

/* Asks for the image that is read next, while this one is computed. What is written, and what is
 * read in one line (dy, for the weights), the hardware foresees: asking for it would only wait. */
FNNI_FORCE_INLINE void fnni_conv_prefetch(const fnni_conv_job *job, ptrdiff_t next)
{
    if (next >= job->images) return;
    if (job->x) fnni_prefetch_reals(job->x + next * job->x_size, job->x_size);
    if (job->dx) fnni_prefetch_reals(job->dx + next * job->x_size, job->x_size);
    if (job->dx && job->dy) fnni_prefetch_reals(job->dy + next * job->y_size, job->y_size);
}

static void fnni_conv_forward_part(void *argument, int part, int parts)
{
    const fnni_conv_job *job = (const fnni_conv_job *)argument;
    const fnni_conv *g = &job->g;
    const int band = fnni_conv_band_rows(job->window, g->filters);
    ptrdiff_t i;
    for (i = fnni_share_begin(job->images, part, parts);
         i < fnni_share_begin(job->images, part + 1, parts); i++) {
        const fnni_conv_input in =
            fnni_conv_image(g, job->x + i * job->x_size, job->space + (size_t)part * job->per_part);
        fnni_conv_prefetch(job, i + 1);
        fnni_conv_forward_image(g, band, &in, job->packed, FNNI_AS_IT_IS, 0,
                                job->y + i * job->y_size);
    }
}

static void fnni_conv_data_part(void *argument, int part, int parts)
{
    const fnni_conv_job *job = (const fnni_conv_job *)argument;
    ptrdiff_t i;
    for (i = fnni_share_begin(job->images, part, parts);
         i < fnni_share_begin(job->images, part + 1, parts); i++) {
        fnni_conv_prefetch(job, i + 1);
        fnni_conv_backward_image(job->g.kernels, job->window, job->g.filters,
                                 job->dy + i * job->y_size, job->packed, job->dx + i * job->x_size,
                                 job->space + (size_t)part * job->per_part);
    }
}

static void fnni_conv_weights_part(void *argument, int part, int parts)
{
    const fnni_conv_job *job = (const fnni_conv_job *)argument;
    const fnni_conv *g = &job->g;
    const int shares = fnni_share_count(job->images);
    int share;
    for (share = shares * part / parts; share < shares * (part + 1) / parts; share++) {
        const ptrdiff_t from = fnni_share_begin(job->images, share, shares);
        ptrdiff_t i;
        for (i = from; i < fnni_share_begin(job->images, share + 1, shares); i++) {
            const fnni_conv_input in = fnni_conv_image(g, job->x + i * job->x_size,
                                                       job->space + (size_t)part * job->per_part);
            fnni_conv_prefetch(job, i + 1);
            fnni_conv_weights_image(g, &in, job->dy + i * job->y_size, i > from,
                                    job->wide + (size_t)share * fnni_conv_wide_size(g));
        }
    }
}

/* Parts for a job: no more than images, and none for less work than waking a thread is worth. */
static int fnni_conv_parts(const fnn_context *context, const fnni_conv *g, ptrdiff_t images)
{
    const double work = (double)images * g->out_height * g->out_width * g->filters *
                        (double)(g->kernel_height * g->kernel_width) * g->channels;
    const double most = work / FNNI_GEMM_PART;
    const int threads = images < context->threads ? (int)images : context->threads;
    return most < 1 ? 1 : most < threads ? (int)most : threads;
}

/* The job of a call on `images` images, its workspace taken: first `shared` reals, then the parts'
 * images, `image` reals each. *first is the shared part. */
static fnn_result fnni_conv_job_make(fnni_conv_job *job, fnn_context *context,
                                     const fnn_window *window, int filters, ptrdiff_t images,
                                     size_t shared, size_t image, fnn_real **first)
{
    const int parts = fnni_conv_parts(context, &job->g, images);
    job->window = window;
    job->images = images;
    job->per_part = fnni_round(image);
    job->x_size = (ptrdiff_t)window->height * window->width * window->channels;
    job->y_size = (ptrdiff_t)window->out_height * window->out_width * filters;
    shared = shared ? fnni_round(shared) : 16; /* no images need no space: that is no error */
    *first = fnni_workspace(context, fnni_plus(shared, fnni_times(job->per_part, (size_t)parts)));
    job->space = FNNI_AT(*first, shared);
    return *first ? FNN_OK : FNN_ERROR_MEMORY;
}

FNN_DEF fnn_result fnn_conv2d_forward(fnn_context *context, const fnn_window *window, int filters,
                                      ptrdiff_t images, const fnn_real *x, const fnn_real *weights,
                                      const fnn_real *bias, fnn_real *y)
{
    fnn_context own, *used = fnni_context_borrow(context, &own);
    fnni_conv_job job;
    fnn_real *packed;
    fnn_result result;
    if (!used || !fnni_window_usable(window, filters, images) || !weights ||
        (images > 0 && (!x || !y)))
        return FNN_ERROR_ARGUMENT;
    memset(&job, 0, sizeof job);
    job.g = fnni_conv_make(used->kernels, window, filters);
    result = fnni_conv_job_make(&job, used, window, filters, images, fnni_conv_packed_size(&job.g),
                                fnni_conv_image_size(&job.g), &packed);
    if (!result) {
        fnni_conv_pack(&job.g, weights, bias, packed);
        job.packed = packed;
        job.x = x;
        job.y = y;
        fnni_parallel(fnni_conv_parts(used, &job.g, images), fnni_conv_forward_part, &job);
    }
    if (!context) fnni_context_close(&own);
    return result;
}

FNN_DEF fnn_result fnn_conv2d_backward_data(fnn_context *context, const fnn_window *window,
                                            int filters, ptrdiff_t images, const fnn_real *dy,
                                            const fnn_real *weights, fnn_real *dx)
{
    fnn_context own, *used = fnni_context_borrow(context, &own);
    fnni_conv_job job;
    fnn_real *packed;
    size_t shared, image;
    fnn_result result;
    if (!used || !fnni_window_usable(window, filters, images) || !weights ||
        (images > 0 && (!dy || !dx)))
        return FNN_ERROR_ARGUMENT;
    memset(&job, 0, sizeof job);
    job.g = fnni_conv_make(used->kernels, window, filters);
    fnni_conv_backward_size(used->kernels, window, filters, &shared, &image);
    result = fnni_conv_job_make(&job, used, window, filters, images, shared, image, &packed);
    if (!result) {
        fnni_conv_backward_pack(used->kernels, window, filters, weights, packed);
        job.packed = packed;
        job.dy = dy;
        job.dx = dx;
        fnni_parallel(fnni_conv_parts(used, &job.g, images), fnni_conv_data_part, &job);
    }
    if (!context) fnni_context_close(&own);
    return result;
}

FNN_DEF fnn_result fnn_conv2d_backward_weights(fnn_context *context, const fnn_window *window,
                                               int filters, ptrdiff_t images, const fnn_real *x,
                                               const fnn_real *dy, fnn_real *dw, fnn_real *db)
{
    fnn_context own, *used = fnni_context_borrow(context, &own);
    fnni_conv_job job;
    fnn_result result;
    if (!used || !fnni_window_usable(window, filters, images) || !dw || (images > 0 && (!x || !dy)))
        return FNN_ERROR_ARGUMENT;
    memset(&job, 0, sizeof job);
    job.g = fnni_conv_make(used->kernels, window, filters);
    result = fnni_conv_job_make(
        &job, used, window, filters, images,
        fnni_times(fnni_conv_wide_size(&job.g), (size_t)fnni_share_count(images)),
        fnni_conv_image_size(&job.g), &job.wide);
    if (!result) {
        const int shares = fnni_share_count(images);
        const int parts = fnni_conv_parts(used, &job.g, images);
        job.x = x;
        job.dy = dy;
        fnni_parallel(parts < shares ? parts : shares, fnni_conv_weights_part, &job);
        fnni_conv_fold(&job.g, job.wide, shares, 0,
                       (ptrdiff_t)window->kernel_height * window->kernel_width * window->channels,
                       dw);
        if (db) fnni_conv_fold_biases(&job.g, job.wide, shares, db);
    }
    if (!context) fnni_context_close(&own);
    return result;
}

/* ============================================================================
 * >>files  whole files in memory, bytes out, a file replaced safely
 * ============================================================================
 * What readers and writers of every format share. A file is read entire; it is written beside the
 * old one, synced and put in its place, so that there is always one that is whole. */

/* No file of training data is larger; a size beyond says that something is wrong. On 32 bits it is
 * a quarter of the address space, so that sums of two sizes cannot overflow. */
#define FNNI_MAX_FILE_BYTES \
    ((uint64_t)SIZE_MAX >> 40 ? (size_t)((uint64_t)1 << 40 & SIZE_MAX) : SIZE_MAX / 4)
/* No side of an image is longer, no table wider: three of these multiply to less than 2^60. */
#define FNNI_MAX_DIMENSION (1 << 20)
/* The output layer has one unit a class: more classes mean that the wrong column was taken. */
#define FNNI_MAX_CLASSES 65536
/* The largest class number that a float still tells from its neighbours. */
#define FNNI_MAX_CLASS_NUMBER 16777216
/* Deflate's best case: a match of 258 bytes in two bits, that is 1032 bytes out of one. */
#define FNNI_DEFLATE_RATIO 1032
/* The largest finite number of the library. */
#define FNNI_REAL_MAX (sizeof(fnn_real) == 4 ? (double)FLT_MAX : DBL_MAX)
/* The stream of random numbers that orders samples; other rooms use other streams. */
#define FNNI_STREAM_DATASET 0x64617461u

/* ---- files ---- */

/* A whole file in memory. */
typedef struct fnni_file {
    uint8_t *bytes;
    size_t size;
} fnni_file;

/* The end of a path, so that the rest of a message always finds room beside it. */
static const char *fnni_path_tail(const char *path)
{
    size_t length = strlen(path);
    return length > 100 ? path + (length - 100) : path;
}

static fnn_result fnni_fail_memory(fnn_error *error, const char *path, size_t bytes)
{
    return fnni_fail(error, FNN_ERROR_MEMORY, "%s: no memory for %llu bytes", fnni_path_tail(path),
                     (unsigned long long)bytes);
}

/* The size of a seekable file; 0 when unknown (a pipe, or more than a long can say). A hint only:
 * the file may change, and a directory claims any size. */
static size_t fnni_stream_size(FILE *stream)
{
    const uint64_t limit = FNNI_MAX_FILE_BYTES;
    long size = 0;
    if (fseek(stream, 0, SEEK_END) == 0) size = ftell(stream);
    rewind(stream);
    return size > 0 && (uint64_t)size < limit ? (size_t)size : 0;
}

/* Doubles the room of a file that turned out longer than thought. */
static fnn_result fnni_file_grow(fnni_file *file, size_t *capacity, const char *path,
                                 const fnn_allocator *allocator, fnn_error *error)
{
    uint8_t *larger;
    if (*capacity > FNNI_MAX_FILE_BYTES / 2)
        return fnni_fail(error, FNN_ERROR_FORMAT, "%s: larger than the limit of %llu bytes",
                         fnni_path_tail(path), (unsigned long long)FNNI_MAX_FILE_BYTES);
    larger = (uint8_t *)fnni_allocate(allocator, *capacity * 2);
    if (!larger) return fnni_fail_memory(error, path, *capacity * 2);
    memcpy(larger, file->bytes, file->size);
    fnni_release(allocator, file->bytes);
    file->bytes = larger;
    *capacity *= 2;
    return FNN_OK;
}

static fnn_result fnni_stream_read(fnni_file *file, FILE *stream, const char *path,
                                   const fnn_allocator *allocator, fnn_error *error)
{
    fnn_result result = FNN_OK;
    size_t size = fnni_stream_size(stream);
    size_t capacity = size ? size + 1 : 4096; /* one more, to meet the end without growing */
    file->bytes = (uint8_t *)fnni_allocate(allocator, capacity);
    if (!file->bytes) return fnni_fail_memory(error, path, capacity);
    for (;;) {
        file->size += fread(file->bytes + file->size, 1, capacity - file->size, stream);
        if (file->size < capacity) break; /* the end, or an error */
        result = fnni_file_grow(file, &capacity, path, allocator, error);
        if (result != FNN_OK) return result;
    }
    if (ferror(stream))
        result = fnni_fail(error, FNN_ERROR_FILE, "%s: cannot be read after %llu bytes",
                           fnni_path_tail(path), (unsigned long long)file->size);
    return result;
}

static void fnni_file_release(fnni_file *file, const fnn_allocator *allocator)
{
    fnni_release(allocator, file->bytes);
    file->bytes = NULL;
    file->size = 0;
}

/* Reads a whole file; on failure `file` is empty. */
static fnn_result fnni_file_read(fnni_file *file, const char *path, const fnn_allocator *allocator,
                                 fnn_error *error)
{
    fnn_result result;
    FILE *stream = fopen(path, "rb");
    file->bytes = NULL;
    file->size = 0;
    if (!stream)
        return fnni_fail(error, FNN_ERROR_FILE, "%s: cannot be opened: %s", fnni_path_tail(path),
                         strerror(errno));
    result = fnni_stream_read(file, stream, path, allocator, error);
    fclose(stream);
    if (result != FNN_OK) fnni_file_release(file, allocator);
    return result;
}

static uint32_t fnni_little_32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* One load on machines where that is right: gcc and clang see through the shifts. */
static inline uint64_t fnni_little_64(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

/* ---- checksums ---- */

/* table[k][n]: the CRC-32 of byte n followed by k zero bytes, so that 16 bytes take 16 independent
 * look-ups ("slicing", Kounavis and Berry 2005). */
static void fnni_crc_tables(uint32_t table[16][256])
{
    unsigned n, k;
    for (n = 0; n < 256; n++) {
        uint32_t c = n;
        for (k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320u ^ c >> 1 : c >> 1;
        table[0][n] = c;
    }
    for (k = 1; k < 16; k++)
        for (n = 0; n < 256; n++)
            table[k][n] = table[0][table[k - 1][n] & 255] ^ table[k - 1][n] >> 8;
}

/* Eight bytes through eight tables, the first byte (lowest) through the last of them. */
FNNI_HOT static inline uint32_t fnni_crc_8(uint32_t (*table)[256], uint64_t x)
{
    return table[7][x & 255] ^ table[6][x >> 8 & 255] ^ table[5][x >> 16 & 255] ^
           table[4][x >> 24 & 255] ^ table[3][x >> 32 & 255] ^ table[2][x >> 40 & 255] ^
           table[1][x >> 48 & 255] ^ table[0][x >> 56];
}

/* The CRC-32 of bytes whose first part has the CRC `sum` (of none: 0) and ends before these. */
FNNI_HOT static uint32_t fnni_crc(uint32_t table[16][256], uint32_t sum, const uint8_t *bytes,
                                  size_t size)
{
    uint32_t c = ~sum;
    for (; size >= 16; size -= 16, bytes += 16)
        c = fnni_crc_8(table + 8, fnni_little_64(bytes) ^ c) ^
            fnni_crc_8(table, fnni_little_64(bytes + 8));
    for (; size; size--) c = table[0][(c ^ *bytes++) & 255] ^ c >> 8;
    return ~c;
}

/* ---- writing ---- */

typedef struct fnni_writer {
    int file;
    fnn_write_function put; /* in place of a file where it is not NULL: the caller's, and */
    void *user;
    uint64_t put_bytes;     /* that it has taken; */
    uint8_t *memory;        /* or memory, large enough for all */
    int counts;             /* nothing is written, total and sum alone go on */
    int wrong;              /* errno of the first write that failed, after which nothing is written;
                               -1 where the caller's failed */
    uint64_t total;         /* bytes so far */
    uint32_t (*crc)[256];   /* tables of the sum, NULL where none is wanted */
    uint32_t sum, checksum; /* of the bytes so far; of the whole file, which says it */
    size_t used;
    unsigned char buffer[8192];
} fnni_writer;

static void fnni_flush(fnni_writer *w)
{
    size_t done = 0;
    if (w->put && w->used && !w->wrong && w->put(w->user, w->buffer, w->used)) w->wrong = -1;
    if (w->put) done = w->used;
    if (w->put && !w->wrong) w->put_bytes += w->used;
    while (done < w->used && !w->wrong) {
        const ptrdiff_t n = fnni_os_write(w->file, w->buffer + done, w->used - done);
        if (n > 0) done += (size_t)n;
        else if (n == 0) w->wrong = EIO;
        else if (errno != EINTR) w->wrong = errno;
    }
    w->used = 0;
}

static void fnni_emit(fnni_writer *w, const void *bytes, size_t count)
{
    const unsigned char *from = (const unsigned char *)bytes;
    w->total += count;
    if (w->crc) w->sum = fnni_crc(w->crc, w->sum, from, count);
    if (w->counts) return;
    if (w->memory) {
        memcpy(w->memory + (size_t)(w->total - count), bytes, count);
        return;
    }
    while (count > 0) {
        const size_t room = sizeof w->buffer - w->used, part = count < room ? count : room;
        memcpy(w->buffer + w->used, from, part);
        w->used += part;
        from += part;
        count -= part;
        if (w->used == sizeof w->buffer) fnni_flush(w);
    }
}

/* At most 255 characters. */
FNNI_FORMAT(2, 3)
static void fnni_emit_text(fnni_writer *w, const char *format, ...)
{
    char text[256];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    fnni_emit(w, text, strlen(text));
}

static void fnni_emit_little(fnni_writer *w, uint64_t value, int bytes)
{
    unsigned char text[8];
    int i;
    for (i = 0; i < bytes; i++) text[i] = (unsigned char)(value >> 8 * i & 255);
    fnni_emit(w, text, (size_t)bytes);
}

/* A new file beside path, its name in `name`. The names of one process differ by their last
 * number, so that threads may save at once. */
static int fnni_create_beside(const char *path, int mode, char *name, size_t size)
{
    int file = -1, i;
    errno = EEXIST;
    for (i = 0; i < 1000 && file < 0 && errno == EEXIST; i++) {
        snprintf(name, size, "%s.tmp-%ld-%d", path, fnni_os_process(), i);
        file = fnni_os_create(name, mode);
    }
    return file;
}

/* Cuts a path to that of its directory. */
static const char *fnni_directory_of(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash) return ".";
    slash[slash == path] = 0;
    return path;
}

/* Writes all of `what` through w, which has just been opened. */
typedef void (*fnni_write)(fnni_writer *w, const void *what);

/* Opens a new file beside path, its name in `name` (size bytes). */
static fnn_result fnni_save_open(const char *path, char *name, size_t size, int *file,
                                 fnn_error *error)
{
    const int mode = fnni_os_mode(path);
    if (mode < 0)
        return fnni_fail(error, FNN_ERROR_FILE, "%s: expected a file or nothing there, found a %s",
                         fnni_path_tail(path),
                         mode == -1 ? "directory or a device" : "read-only file");
    *file = fnni_create_beside(path, mode, name, size);
    if (*file < 0)
        return fnni_fail(error, FNN_ERROR_FILE, "%s: cannot create a file beside it: %s",
                         fnni_path_tail(path), strerror(errno));
    return FNN_OK;
}

static fnn_result fnni_save_fail(const char *path, const char *doing, int code, fnn_error *error)
{
    return fnni_fail(error, FNN_ERROR_FILE, "%s: cannot be %s: %s", fnni_path_tail(path), doing,
                     fnni_os_reason(code));
}

/* The old file stays until the new one is on the disk: written under another name, synced, then
 * put in its place. `name` has room for size bytes. */
static fnn_result fnni_save_through(fnni_write put, const void *what, const char *path, char *name,
                                    size_t size, fnn_error *error)
{
    const char *doing = NULL;
    fnni_writer w;
    int file = -1, code = 0;
    fnn_result result = fnni_save_open(path, name, size, &file, error);
    if (result) return result;
    memset(&w, 0, sizeof w);
    w.file = file;
    put(&w, what);
    fnni_flush(&w);
    if (w.wrong) doing = "written", code = w.wrong;
    if (!doing && fnni_os_sync(file)) doing = "synced", code = errno;
    if (fnni_os_close(file) && !doing) doing = "closed", code = errno;
    if (!doing && fnni_os_replace(name, path)) doing = "put in place", code = errno;
    if (doing) {
        fnni_os_remove(name);
        return fnni_save_fail(path, doing, code, error);
    }
    if (fnni_os_sync_directory(fnni_directory_of(name)))
        return fnni_fail(error, FNN_ERROR_FILE,
                         "%s: in place, but its directory cannot be synced: %s",
                         fnni_path_tail(path), strerror(errno));
    return FNN_OK;
}

/* Room for the name of a file beside path. */
static fnn_result fnni_name_beside(const char *path, const fnn_allocator *allocator, char **name,
                                   size_t *size, fnn_error *error)
{
    *size = fnni_plus(strlen(path), 64); /* two numbers and a few letters */
    *name = (char *)fnni_allocate(allocator, *size);
    return *name ? FNN_OK : fnni_fail_memory(error, path, *size);
}

/* Saves what `put` writes. */
static fnn_result fnni_save_by(fnni_write put, const void *what, const char *path,
                               const fnn_allocator *allocator, fnn_error *error)
{
    size_t size;
    char *name;
    fnn_result result = fnni_name_beside(path, allocator, &name, &size, error);
    if (result) return result;
    result = fnni_save_through(put, what, path, name, size, error);
    fnni_release(allocator, name);
    return result;
}

/* As fnni_save_through with a single byte, which is taken away again: a full disk refuses that. */
static fnn_result fnni_save_try(const char *path, char *name, size_t size, fnn_error *error)
{
    const char *doing = NULL;
    fnni_writer w;
    int file = -1, code = 0;
    fnn_result result = fnni_save_open(path, name, size, &file, error);
    if (result) return result;
    memset(&w, 0, sizeof w);
    w.file = file;
    fnni_emit(&w, "", 1);
    fnni_flush(&w);
    if (w.wrong) doing = "written", code = w.wrong;
    if (fnni_os_close(file) && !doing) doing = "closed", code = errno;
    if (fnni_os_remove(name) && !doing) doing = "replaced", code = errno;
    return doing ? fnni_save_fail(path, doing, code, error) : FNN_OK;
}

/* Whether a save to path can be made, as far as that can be known before: for work that takes long
 * and is saved at its end. A file that is there stays as it is. */
FNNI_COLD static fnn_result fnni_save_possible(const char *path, const fnn_allocator *allocator,
                                               fnn_error *error)
{
    size_t size;
    char *name;
    fnn_result result;
    if (!path || !*path)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "save: expected a path, found %s",
                         path ? "an empty one" : "NULL");
    result = fnni_name_beside(path, allocator, &name, &size, error);
    if (result) return result;
    result = fnni_save_try(path, name, size, error);
    fnni_release(allocator, name);
    return result;
}

/* ============================================================================
 * >>text  numbers and words: read, written, appended
 * ============================================================================
 * Decimal numbers are read correctly rounded and written with as many digits as bring them back,
 * whatever the locale. A line of words is how a model file says what a layer is. */

#define FNNI_TEXT 128 /* room for a name or for the words of a layer */

/* ---- decimal numbers ---- */

/* strtod obeys the locale and reads hexadecimal and nan; this reads what a table may hold, rounded
 * correctly. A decimal is `digits` as an integer times 10^exponent. */
typedef struct fnni_decimal {
    int negative;
    const char *first, *last; /* from the first digit that is not zero; may include the point */
    int64_t digits;           /* how many there are */
    uint64_t mantissa;        /* their value, if there are at most 19 */
    int64_t exponent;
} fnni_decimal;

static int fnni_is_digit(const char *p, const char *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

/* Reads digits and a point from p, and returns where they end, NULL without any digit. */
static const char *fnni_decimal_digits(fnni_decimal *d, const char *p, const char *end)
{
    int64_t fraction = 0, any = 0;
    int point = 0;
    for (; fnni_is_digit(p, end) || (p < end && *p == '.' && !point); p++) {
        if (*p == '.') {
            point = 1;
            continue;
        }
        any = 1;
        fraction += point;
        if (*p != '0' && d->digits == 0) d->first = p;
        if (!d->first) continue;
        if (d->digits < 19) d->mantissa = d->mantissa * 10 + (uint64_t)(*p - '0');
        d->digits++;
    }
    d->last = p;
    d->exponent = -fraction;
    return any ? p : NULL;
}

/* Reads [+-] digits [. digits] [e [+-] digits], all of the text. Returns 0 on anything else. */
static int fnni_decimal_scan(fnni_decimal *d, const char *p, const char *end)
{
    memset(d, 0, sizeof *d);
    if (p < end && (*p == '-' || *p == '+')) d->negative = *p++ == '-';
    p = fnni_decimal_digits(d, p, end);
    if (!p) return 0;
    if (p < end && (*p == 'e' || *p == 'E')) {
        int64_t exponent = 0;
        int negative = 0;
        p++;
        if (p < end && (*p == '-' || *p == '+')) negative = *p++ == '-';
        if (!fnni_is_digit(p, end)) return 0;
        for (; fnni_is_digit(p, end); p++) /* capped far beyond any file's number of digits */
            if (exponent < (int64_t)1 << 50) exponent = exponent * 10 + (*p - '0');
        d->exponent += negative ? -exponent : exponent;
    }
    return p == end;
}

/* A natural number, lowest limb first. The largest that occur are 10^1169 < 2^3884 (see
 * fnni_decimal_exact) and its double. */
typedef struct fnni_big {
    int used;
    uint32_t limb[124];
} fnni_big;

static void fnni_big_multiply_add(fnni_big *a, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    int i;
    for (i = 0; i < a->used; i++) {
        carry += (uint64_t)a->limb[i] * factor;
        a->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) a->limb[a->used++] = (uint32_t)carry;
}

static void fnni_big_multiply_power_10(fnni_big *a, int64_t power)
{
    for (; power >= 9; power -= 9) fnni_big_multiply_add(a, 1000000000u, 0);
    for (; power > 0; power--) fnni_big_multiply_add(a, 10, 0);
}

static int fnni_big_bits(const fnni_big *a)
{
    int bits = 32 * (a->used - 1);
    uint32_t top;
    for (top = a->limb[a->used - 1]; top; top >>= 1) bits++;
    return bits;
}

static void fnni_big_shift_left(fnni_big *a, int bits)
{
    int limbs = bits / 32, i;
    bits %= 32;
    fnni_big_multiply_add(a, (uint32_t)1 << bits, 0);
    if (limbs == 0) return;
    for (i = a->used - 1; i >= 0; i--) a->limb[i + limbs] = a->limb[i];
    for (i = 0; i < limbs; i++) a->limb[i] = 0;
    a->used += limbs;
}

/* Subtracts b from a if a >= b; returns whether it did. Leaves no leading zero limbs. */
static int fnni_big_subtract(fnni_big *a, const fnni_big *b)
{
    int i;
    uint64_t borrow = 0;
    if (a->used < b->used) return 0;
    for (i = a->used - 1; i >= 0; i--) {
        uint32_t limb = i < b->used ? b->limb[i] : 0;
        if (a->limb[i] < limb) return 0;
        if (a->limb[i] > limb) break;
    }
    for (i = 0; i < a->used; i++) {
        uint64_t limb = (uint64_t)a->limb[i] - (i < b->used ? b->limb[i] : 0) - borrow;
        a->limb[i] = (uint32_t)limb;
        borrow = limb >> 63;
    }
    while (a->used > 0 && a->limb[a->used - 1] == 0) a->used--;
    return 1;
}

/* The digits as an integer. Of more than 768, the others only matter as "not zero": no number half
 * way between two doubles has more (2^-1075 has 767 after its leading zeros). Returns the exponent
 * of ten that goes with it. */
static int64_t fnni_decimal_integer(const fnni_decimal *d, fnni_big *integer)
{
    const char *p = d->first;
    int64_t taken = 0, exponent = d->exponent;
    int sticky = 0;
    integer->used = 0;
    for (; p < d->last; p++) {
        if (*p == '.') continue;
        if (taken++ < 768) fnni_big_multiply_add(integer, 10, (uint32_t)(*p - '0'));
        else sticky |= *p != '0';
    }
    if (taken > 768) exponent += taken - 768;
    if (sticky) {
        fnni_big_multiply_add(integer, 10, 1);
        exponent--;
    }
    return exponent;
}

/* Rounds quotient * 2^exponent to fnn_real, to nearest, ties to even; `more` says that a bit less
 * than 1 is to be added to the quotient. Returns 0 when it is too large. */
static int fnni_round_real(uint64_t quotient, int more, int exponent, fnn_real *value)
{
    const int single = sizeof(fnn_real) == 4, precision = single ? 24 : 53;
    const int lowest = single ? -149 : -1074, highest = single ? 104 : 971;
    int drop = 0;
    uint64_t rest, half;
    while (quotient >> drop >> precision) drop++;
    if (exponent + drop < lowest) drop = lowest - exponent; /* subnormal */
    if (drop > 62) {
        *value = 0;
        return 1;
    }
    half = ((uint64_t)1 << drop) >> 1;
    rest = quotient & (((uint64_t)1 << drop) - 1);
    quotient >>= drop;
    if (rest > half || (rest == half && drop > 0 && (more || (quotient & 1)))) quotient++;
    exponent += drop;
    if (quotient >> precision) { /* rounded up to a power of two */
        quotient >>= 1;
        exponent++;
    }
    if (exponent > highest) return 0;
    *value = (fnn_real)ldexp((double)quotient, exponent);
    return 1;
}

/* Any decimal, by long division of whole numbers: numerator / denominator to 59 bits. */
static int fnni_decimal_exact(const fnni_decimal *d, fnn_real *value)
{
    fnni_big numerator, denominator;
    uint64_t quotient = 0;
    int64_t exponent, magnitude = d->digits + d->exponent; /* 10^(magnitude - 1) <= value */
    int shift, bit;
    *value = 0;
    if (d->digits == 0 || magnitude < -400) return 1;
    if (magnitude > 310) return 0;
    exponent = fnni_decimal_integer(d, &numerator);
    denominator.used = 1;
    denominator.limb[0] = 1;
    if (exponent > 0) fnni_big_multiply_power_10(&numerator, exponent);
    else fnni_big_multiply_power_10(&denominator, -exponent);
    shift = fnni_big_bits(&numerator) - fnni_big_bits(&denominator);
    if (shift > 0) fnni_big_shift_left(&denominator, shift);
    if (shift < 0) fnni_big_shift_left(&numerator, -shift);
    for (bit = 0; bit < 59; bit++) { /* now 1/2 < numerator / denominator < 2 */
        quotient = quotient << 1 | (unsigned)fnni_big_subtract(&numerator, &denominator);
        if (numerator.used) fnni_big_multiply_add(&numerator, 2, 0);
    }
    return fnni_round_real(quotient, numerator.used > 0, shift - 58, value);
}

/* Decimals of up to 15 digits and powers up to 10^22 are exact doubles, so that one operation on
 * them is correctly rounded (Clinger 1990), unless intermediate results are wider. A float may be
 * made of that double except when it lies half way between two floats; with 0 or 10^-22 to 10^37 it
 * is neither subnormal nor too large. Returns 0 when this does not apply. */
static int fnni_decimal_fast(const fnni_decimal *d, fnn_real *value)
{
    static const double power[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double x = (double)d->mantissa;
    uint64_t bits;
    if (d->digits > 15 || d->exponent < -22 || d->exponent > 22) return 0;
    if (FNNI_EVAL_METHOD != 0 && d->exponent != 0) return 0;
    if (d->exponent < 0) x /= power[-d->exponent];
    else x *= power[d->exponent];
    memcpy(&bits, &x, sizeof bits);
    if (sizeof(fnn_real) == 4 && (bits & 0x1FFFFFFFu) == 0x10000000u) return 0;
    *value = (fnn_real)x;
    return 1;
}

/* Up to seven digits and nothing else, as most pixels and labels are: exact in a float. */
static int fnni_parse_small(const char *text, size_t length, fnn_real *value)
{
    int32_t n = 0;
    size_t i;
    if (length < 1 || length > 7) return 0;
    for (i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return 0;
        n = n * 10 + (text[i] - '0');
    }
    *value = (fnn_real)n;
    return 1;
}

/* Whether all of the text is a decimal number, however large. */
static int fnni_is_decimal(const char *text, size_t length)
{
    fnni_decimal d;
    return fnni_decimal_scan(&d, text, text + length);
}

/* Parses all of the text as a decimal number. Returns 0 when it is none, or too large. */
static int fnni_parse_real(const char *text, size_t length, fnn_real *value)
{
    fnni_decimal d;
    if (fnni_parse_small(text, length, value)) return 1;
    if (!fnni_decimal_scan(&d, text, text + length)) return 0;
    if (!fnni_decimal_fast(&d, value) && !fnni_decimal_exact(&d, value)) return 0;
    if (d.negative) *value = -*value;
    return 1;
}

/* Makes the locale's decimal point, of any length, a point. */
static void fnni_point(char *text)
{
    const char *from = text;
    char *to = text;
    for (; *from; from++) {
        if (strchr("0123456789+-e", *from)) *to++ = *from;
        else if (to == text || to[-1] != '.') *to++ = '.';
    }
    *to = 0;
}

/* A number in as many digits as it takes to read it back. */
static const char *fnni_real_text(fnn_real value, char *text, size_t size)
{
    snprintf(text, size, "%.*g", FNNI_REAL_IS_DOUBLE ? 17 : 9, (double)value);
    fnni_point(text);
    return text;
}

/* ---- words, each with a blank before it ---- */

static void fnni_emit_word(fnni_writer *w, fnn_real number)
{
    char text[64];
    fnni_emit_text(w, " %s", fnni_real_text(number, text, sizeof text));
}

#define FNNI_MAX_WORDS 12

typedef struct fnni_words {
    char text[FNNI_TEXT]; /* cut into words by zeros */
    const char *word[FNNI_MAX_WORDS];
    int count;
} fnni_words;

/* Cuts the text at its blanks; more words than there is room for are counted, not kept. */
static void fnni_words_cut(fnni_words *w)
{
    char *p = w->text;
    w->count = 0;
    for (;;) {
        while (*p == ' ') *p++ = 0;
        if (!*p) return;
        if (w->count < FNNI_MAX_WORDS) w->word[w->count] = p;
        w->count++;
        while (*p && *p != ' ') p++;
    }
}

/* A whole number from 0 to most in decimal digits; returns 0 for anything else. */
static int fnni_word_count(const char *word, uint64_t most, uint64_t *number)
{
    uint64_t n = 0;
    const char *p = word;
    for (; *p >= '0' && *p <= '9'; p++) {
        const uint64_t digit = (uint64_t)(*p - '0');
        if (n > (most - digit) / 10) return 0;
        n = 10 * n + digit;
    }
    *number = n;
    return *p == 0 && p > word;
}

static int fnni_word_int(const char *word, int *number)
{
    uint64_t n;
    if (!fnni_word_count(word, INT_MAX, &n)) return 0;
    *number = (int)n;
    return 1;
}

static int fnni_word_real(const char *word, fnn_real *number)
{
    return fnni_parse_real(word, strlen(word), number);
}

/* The place of a word in a list, or -1. */
static int fnni_word_in(const char *word, const char *const *list, int count)
{
    int i;
    for (i = 0; i < count; i++)
        if (!strcmp(word, list[i])) return i;
    return -1;
}

/* Appends to what snprintf would have written so far; *length counts on beyond size. */
FNNI_FORMAT(4, 5)
static void fnni_append(char *text, size_t size, size_t *length, const char *format, ...)
{
    const size_t room = *length < size ? size - *length : 0;
    va_list list;
    int more;
    va_start(list, format);
    more = vsnprintf(room ? text + *length : NULL, room, format, list);
    va_end(list);
    if (more > 0) *length += (size_t)more;
}

/* ============================================================================
 * >>datasets  samples with labels or targets: ownership, checks, views
 * ============================================================================ */

/* ---- ownership and rows ---- */

FNN_DEF void fnn_dataset_free(fnn_dataset *data)
{
    size_t i;
    if (!data) return;
    for (i = 0; i < sizeof data->owned / sizeof data->owned[0]; i++)
        fnni_release(&data->allocator, data->owned[i]);
    memset(data, 0, sizeof *data);
}

/* Makes `memory` (NULL: nothing) the property of the data set, and returns it. No loader owns more
 * than the array has slots: pixels, labels, targets, index, names of classes and of features, an
 * encoding with its columns and its means. */
static void *fnni_dataset_own(fnn_dataset *data, void *memory)
{
    int i = 0;
    while (data->owned[i]) i++;
    data->owned[i] = memory;
    return memory;
}

static void *fnni_dataset_allocate(fnn_dataset *data, size_t count, size_t element)
{
    size_t bytes;
    if (!fnni_multiply(count, element, &bytes)) return NULL;
    return fnni_dataset_own(data, fnni_allocate(&data->allocator, bytes));
}

FNN_DEF fnn_dataset fnn_dataset_images(const uint8_t *bytes, const int32_t *labels, int64_t count,
                                       int height, int width, int channels, int classes)
{
    fnn_dataset data;
    memset(&data, 0, sizeof data);
    data.count = count;
    data.height = height;
    data.width = width;
    data.channels = channels;
    data.bytes = bytes;
    data.labels = labels;
    data.classes = classes;
    return data;
}

FNN_DEF fnn_dataset fnn_dataset_table(const fnn_real *reals, const int32_t *labels, int64_t count,
                                      int columns, int classes)
{
    fnn_dataset data = fnn_dataset_images(NULL, labels, count, 1, 1, columns, classes);
    data.reals = reals;
    return data;
}

FNN_DEF fnn_dataset fnn_dataset_regression(const fnn_real *reals, const fnn_real *targets,
                                           int64_t count, int columns, int target_count)
{
    fnn_dataset data = fnn_dataset_table(reals, NULL, count, columns, 0);
    data.targets = targets;
    data.target_count = target_count;
    return data;
}

static void fnni_dataset_begin(fnn_dataset *out, const fnn_allocator *allocator)
{
    memset(out, 0, sizeof *out);
    if (allocator) out->allocator = *allocator;
}

/* The row of the arrays that holds sample i. */
static size_t fnni_dataset_row(const fnn_dataset *data, int64_t i)
{
    return (size_t)(data->index ? data->index[i] : i);
}

static size_t fnni_dataset_features(const fnn_dataset *data)
{
    return (size_t)data->height * (size_t)data->width * (size_t)data->channels;
}

FNN_DEF int64_t fnn_dataset_row(const fnn_dataset *data, int64_t i)
{
    return data && i >= 0 && i < data->count ? (int64_t)fnni_dataset_row(data, i) : -1;
}

FNN_DEF const fnn_real *fnn_dataset_target(const fnn_dataset *data, int64_t i)
{
    const int64_t row = fnn_dataset_row(data, i);
    if (row < 0 || !data->targets || data->target_count < 1) return NULL;
    return data->targets + (size_t)row * (size_t)data->target_count;
}

/* The place of the largest of n numbers, the first of equals. */
static int fnni_argmax(const fnn_real *y, int n)
{
    int best = 0, j;
    for (j = 1; j < n; j++)
        if (y[j] > y[best]) best = j;
    return best;
}

/* The class of what is in a row: its label or, without labels, where its targets are largest; of
 * two classes with one column between them the one on whose side the target is. */
static int fnni_class_of(const fnn_dataset *data, size_t row)
{
    const fnn_real *t;
    if (data->labels) return (int)data->labels[row];
    t = data->targets + row * (size_t)data->target_count;
    return data->target_count < data->classes ? t[0] > (fnn_real).5
                                              : fnni_argmax(t, data->target_count);
}

FNN_DEF int32_t fnn_dataset_label(const fnn_dataset *data, int64_t i)
{
    const int64_t row = fnn_dataset_row(data, i);
    if (row < 0 || !(data->labels || (data->classes > 0 && fnn_dataset_target(data, i)))) return -1;
    return fnni_class_of(data, (size_t)row);
}

/* Whether samples have so many features, of a data set of which nothing is known: a product in
 * double is either exact or beyond every int. */
static int fnni_dataset_holds(const fnn_dataset *data, int features)
{
    return data->height > 0 && data->width > 0 && data->channels > 0 &&
           (double)data->height * data->width * data->channels == features;
}

/* ---- checks ---- */

static int64_t fnni_dataset_rows(const fnn_dataset *data)
{
    return data->rows > 0 ? data->rows : data->count;
}

/* Shape and pointers, without a look into the arrays: what a view needs. */
static fnn_result fnni_dataset_check_shape(const fnn_dataset *data, fnn_error *error)
{
    size_t size;
    if (!data) return fnni_fail(error, FNN_ERROR_ARGUMENT, "data set: NULL");
    if (data->height < 1 || data->width < 1 || data->channels < 1)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "data set: sample of %d x %d x %d",
                         data->height, data->width, data->channels);
    if (!data->bytes == !data->reals)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "data set: %s of bytes and reals is set",
                         data->bytes ? "each" : "none");
    if (data->count < 0 || data->rows < 0)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "data set: %lld samples in %lld rows",
                         (long long)data->count, (long long)data->rows);
    if (!data->index && data->rows > 0 && data->rows < data->count)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "data set: %lld samples but only %lld rows",
                         (long long)data->count, (long long)data->rows);
    if ((uint64_t)fnni_dataset_rows(data) > SIZE_MAX ||
        !fnni_multiply((size_t)data->height, (size_t)data->width, &size) ||
        !fnni_multiply(size, (size_t)data->channels, &size) ||
        !fnni_multiply(size, sizeof(fnn_real), &size) ||
        !fnni_multiply(size, (size_t)fnni_dataset_rows(data), &size))
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "data set: %lld rows of %d x %d x %d overflow",
                         (long long)fnni_dataset_rows(data), data->height, data->width,
                         data->channels);
    return FNN_OK;
}

static fnn_result fnni_dataset_check_index(const fnn_dataset *data, fnn_error *error)
{
    int64_t i;
    if (!data->index) return FNN_OK;
    for (i = 0; i < data->count; i++)
        if (data->index[i] < 0 || data->index[i] >= data->rows)
            return fnni_fail(error, FNN_ERROR_ARGUMENT,
                             "data set: index[%lld] is %lld, expected 0 to rows - 1 = %lld",
                             (long long)i, (long long)data->index[i], (long long)data->rows - 1);
    return FNN_OK;
}

static fnn_result fnni_dataset_check_labels(const fnn_dataset *data, fnn_error *error)
{
    int64_t i;
    if (!data->labels) return FNN_OK;
    if (data->classes < 1)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "data set: labels, but %d classes",
                         data->classes);
    for (i = 0; i < data->count; i++) {
        int32_t label = data->labels[fnni_dataset_row(data, i)];
        if (label < 0 || label >= data->classes)
            return fnni_fail(error, FNN_ERROR_ARGUMENT,
                             "data set: sample %lld has label %ld, expected 0 to classes - 1 = %d",
                             (long long)i, (long)label, data->classes - 1);
    }
    return FNN_OK;
}

static int fnni_is_weighted(const fnn_dataset *data)
{
    return data->weights || data->class_weights;
}

/* The weight of what is in a row. */
static fnn_real fnni_weight_of(const fnn_dataset *data, size_t row)
{
    const fnn_real weight = data->weights ? data->weights[row] : 1;
    if (!data->class_weights || (!data->labels && !data->targets)) return weight;
    return weight * data->class_weights[fnni_class_of(data, row)];
}

/* The sum of the samples' weights. */
static double fnni_weight_of_all(const fnn_dataset *data)
{
    double sum = 0;
    int64_t i;
    if (!fnni_is_weighted(data)) return (double)data->count;
    for (i = 0; i < data->count; i++)
        sum += (double)fnni_weight_of(data, fnni_dataset_row(data, i));
    return sum;
}

static int fnni_weight_fits(fnn_real weight)
{
    return weight >= 0 && fnni_is_finite(weight);
}

/* Weights are finite, >= 0 and not all 0. Expects labels and columns of targets that are right. */
static fnn_result fnni_dataset_check_weights(const fnn_dataset *data, fnn_error *error)
{
    int64_t i;
    int c;
    for (c = 0; data->class_weights && c < data->classes; c++)
        if (!fnni_weight_fits(data->class_weights[c]))
            return fnni_fail(error, FNN_ERROR_ARGUMENT,
                             "data set: class_weights[%d]: expected a finite weight >= 0, found %g",
                             c, (double)data->class_weights[c]);
    for (i = 0; fnni_is_weighted(data) && i < data->count; i++)
        if (!fnni_weight_fits(fnni_weight_of(data, fnni_dataset_row(data, i))))
            return fnni_fail(error, FNN_ERROR_ARGUMENT,
                             "data set: sample %lld: expected a finite weight >= 0, found %g",
                             (long long)i, (double)fnni_weight_of(data, fnni_dataset_row(data, i)));
    if (fnni_weight_of_all(data) > 0) return FNN_OK;
    return fnni_fail(error, FNN_ERROR_ARGUMENT, "data set: the weights of all samples are 0");
}

/* Targets beside classes: a column each, or one of 0 and 1. An argmax over other columns would call
 * any prediction right. Costs nothing. */
static fnn_result fnni_dataset_check_columns(const fnn_dataset *data, fnn_error *error)
{
    if (!data->targets || data->classes == 0 || data->target_count == data->classes ||
        (data->target_count == 1 && data->classes == 2))
        return FNN_OK;
    return fnni_fail(error, FNN_ERROR_ARGUMENT,
                     "data set: targets of %d classes: expected a target_count of %d%s, found %d; "
                     "of targets that are no classes, classes is 0",
                     data->classes, data->classes, data->classes == 2 ? " or 1" : "",
                     data->target_count);
}

/* Class weights are looked up by class: there must be classes. Costs nothing. */
static fnn_result fnni_dataset_check_class_weights(const fnn_dataset *data, fnn_error *error)
{
    if (!data->class_weights || data->classes > 0) return FNN_OK;
    return fnni_fail(error, FNN_ERROR_ARGUMENT, "data set: class_weights, but %d classes",
                     data->classes);
}

FNN_DEF fnn_result fnn_dataset_check(const fnn_dataset *data, fnn_error *error)
{
    size_t j;
    int i;
    fnn_result result = fnni_dataset_check_shape(data, error);
    if (result == FNN_OK && data->count < 1)
        result = fnni_fail(error, FNN_ERROR_ARGUMENT, "data set: no samples");
    if (result == FNN_OK && data->targets && data->target_count < 1)
        result = fnni_fail(error, FNN_ERROR_ARGUMENT, "data set: targets, but target_count is %d",
                           data->target_count);
    if (result == FNN_OK) result = fnni_dataset_check_columns(data, error);
    if (result == FNN_OK) result = fnni_dataset_check_class_weights(data, error);
    if (result == FNN_OK) result = fnni_dataset_check_index(data, error);
    if (result == FNN_OK) result = fnni_dataset_check_labels(data, error);
    if (result == FNN_OK) result = fnni_dataset_check_weights(data, error);
    for (i = 0; result == FNN_OK && data->class_names && i < data->classes; i++)
        if (!data->class_names[i])
            result = fnni_fail(error, FNN_ERROR_ARGUMENT, "data set: class_names[%d] is NULL", i);
    for (j = 0; result == FNN_OK && data->feature_names && j < fnni_dataset_features(data); j++)
        if (!data->feature_names[j])
            result = fnni_fail(error, FNN_ERROR_ARGUMENT, "data set: feature_names[%llu] is NULL",
                               (unsigned long long)j);
    return result;
}

FNN_DEF fnn_result fnn_dataset_class_counts(const fnn_dataset *data, int64_t *counts)
{
    int64_t i;
    if (!counts || !data || !data->labels) return FNN_ERROR_ARGUMENT;
    if (fnn_dataset_check(data, NULL) != FNN_OK) return FNN_ERROR_ARGUMENT;
    for (i = 0; i < data->classes; i++) counts[i] = 0;
    for (i = 0; i < data->count; i++) counts[data->labels[fnni_dataset_row(data, i)]]++;
    return FNN_OK;
}

/* Whether there are labels, or targets with a class behind them. */
static int fnni_has_classes(const fnn_dataset *data)
{
    return data->classes > 0;
}

/* Target j of sample i. */
static double fnni_target_of(const fnn_dataset *data, int64_t i, int j)
{
    const size_t row = fnni_dataset_row(data, i);
    return (double)data->targets[row * (size_t)data->target_count + (size_t)j];
}

/* Sum over samples of w (t - mean t)^2 of target j, w their weights and the mean weighted too;
 * exactly 0 where it does not vary, which the rounding of the mean would spoil. */
static double fnni_target_squares(const fnn_dataset *data, int j)
{
    double sum = 0, squares = 0, first = 0;
    int64_t i;
    int varies = 0, seen = 0;
    for (i = 0; i < data->count; i++) {
        const double t = fnni_target_of(data, i, j);
        const double w = (double)fnni_weight_of(data, fnni_dataset_row(data, i));
        if (w == 0) continue;
        sum += w * t;
        if (!seen++) first = t;
        varies |= t != first;
    }
    sum /= fnni_weight_of_all(data);
    for (i = 0; i < data->count; i++) {
        const double e = fnni_target_of(data, i, j) - sum;
        const double w = (double)fnni_weight_of(data, fnni_dataset_row(data, i));
        if (w > 0) squares += w * e * e;
    }
    return varies ? squares : 0;
}

/* The same over all outputs: what R2 is measured against. */
static double fnni_target_variation(const fnn_dataset *data)
{
    double variation = 0;
    int j;
    for (j = 0; j < data->target_count; j++) variation += fnni_target_squares(data, j);
    return variation;
}

static int64_t fnni_data_row(const fnn_dataset *data, const int64_t *samples, int64_t first,
                             int64_t i)
{
    return (int64_t)fnni_dataset_row(data, samples ? samples[first + i] : first + i);
}

/* ---- views ---- */

/* Makes `view` all of `data` but ownership and index, with room for an index of `count` samples,
 * which is returned: NULL when there is no memory or count is 0. */
static int64_t *fnni_view_begin(fnn_dataset *view, const fnn_dataset *data, int64_t count)
{
    int64_t *index;
    *view = *data;
    memset(view->owned, 0, sizeof view->owned);
    view->index = NULL;
    view->rows = fnni_dataset_rows(data);
    view->count = count;
    index = (int64_t *)fnni_dataset_allocate(view, (size_t)count, sizeof *index);
    view->index = index;
    return index;
}

/* Makes `view` the samples of `data` at the positions order[0 .. count - 1]; order NULL: at the
 * positions 0 .. count - 1. */
static fnn_result fnni_view(fnn_dataset *view, const fnn_dataset *data, const int64_t *order,
                            int64_t count, fnn_error *error)
{
    int64_t *index = fnni_view_begin(view, data, count), i;
    if (!index && count > 0) {
        fnn_dataset_free(view);
        return fnni_fail(error, FNN_ERROR_MEMORY, "no memory for a view of %lld samples",
                         (long long)count);
    }
    for (i = 0; i < count; i++) index[i] = (int64_t)fnni_dataset_row(data, order ? order[i] : i);
    return FNN_OK;
}

/* Fisher and Yates, from the end (Knuth volume 2, algorithm P). */
static void fnni_shuffle(int64_t *items, int64_t count, uint64_t seed, uint64_t stream)
{
    int64_t i;
    for (i = count - 1; i > 0; i--) {
        int64_t j = (int64_t)fnni_random_below(seed, stream, (uint64_t)i, (uint64_t)i + 1);
        int64_t item = items[i];
        items[i] = items[j];
        items[j] = item;
    }
}

/* ---- samples in order ---- */

/* Whether samples can be ordered so: an fnn_order and, to stratify, a class of each sample. */
static fnn_result fnni_order_check(const fnn_dataset *data, int order, fnn_error *error)
{
    fnn_result result;
    if (order < FNN_ORDER_KEEP || order >= FNN_ORDER_COUNT)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "order: expected an fnn_order, 0 to %d, found %d", FNN_ORDER_COUNT - 1,
                         order);
    if (order != FNN_ORDER_STRATIFIED) return FNN_OK;
    if (!data->labels && (data->classes < 1 || !data->targets))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "order: stratified, but there are neither labels nor one-hot targets");
    result = fnni_dataset_check_columns(data, error);
    if (result == FNN_OK) result = fnni_dataset_check_index(data, error);
    return result == FNN_OK ? fnni_dataset_check_labels(data, error) : result;
}

/* A class's remainder, to be sorted: the largest first, of equals the lower class. */
typedef struct fnni_remainder {
    int64_t remainder;
    int class_number;
} fnni_remainder;

static int fnni_compare_remainders(const void *left, const void *right)
{
    const fnni_remainder *a = (const fnni_remainder *)left, *b = (const fnni_remainder *)right;
    if (a->remainder != b->remainder) return a->remainder > b->remainder ? -1 : 1;
    return a->class_number < b->class_number ? -1 : 1;
}

/* a * b / total and what remains, 0 <= a <= total, 0 <= b <= total, without the product, which
 * may not fit: long multiplication, bit by bit of b. */
static int64_t fnni_proportion(int64_t a, int64_t b, int64_t total, int64_t *remainder)
{
    uint64_t quotient = 0, rest = 0, n = (uint64_t)total;
    int bit;
    for (bit = 62; bit >= 0; bit--) {
        quotient *= 2, rest *= 2;
        if (rest >= n) quotient++, rest -= n;
        if (!((uint64_t)b >> bit & 1)) continue;
        rest += (uint64_t)a;
        if (rest >= n) quotient++, rest -= n;
    }
    *remainder = (int64_t)rest;
    return (int64_t)quotient;
}

/* How samples are to be cut: into `folds` parts of a size or, if that is 0, into the first
 * `first_count` and the others. */
typedef struct fnni_cut {
    int order; /* fnn_order */
    uint64_t seed;
    int64_t first_count;
    int folds;
} fnni_cut;

/* Where part number `part` begins: the first folds hold one sample more. */
static int64_t fnni_cut_begin(const fnni_cut *cut, int64_t count, int part)
{
    const int64_t longer = cut->folds ? count % cut->folds : 0;
    if (!cut->folds) return part ? cut->first_count : 0;
    return count / cut->folds * part + (part < longer ? part : longer);
}

/* Makes counts of each class what the first part of a split gets of it: count * first_count / all,
 * rounded down, and one more where the remainder is among the largest, until the part is full. */
static void fnni_strata_quotas(int64_t *counts, fnni_remainder *remainders, int classes,
                               int64_t first_count, int64_t all)
{
    int64_t left = first_count;
    int i;
    for (i = 0; i < classes; i++) {
        remainders[i].class_number = i;
        counts[i] = fnni_proportion(counts[i], first_count, all, &remainders[i].remainder);
        left -= counts[i];
    }
    qsort(remainders, (size_t)classes, sizeof *remainders, fnni_compare_remainders);
    for (i = 0; i < left; i++) counts[remainders[i].class_number]++;
}

/* Brings the samples of a shuffled view into the order of their parts. `next` (classes) holds the
 * samples of each class. A split gives the first so many of each class to its first part. Folds
 * are dealt like cards, class after class: 5 of class a, 4 of b and 3 folds make
 *     a a a a a b b b b
 *     0 1 2 0 1 2 0 1 2 */
static void fnni_strata_deal(fnn_dataset *whole, const fnni_cut *cut, int64_t *next, int64_t *begin,
                             int64_t *order)
{
    int64_t *index = (int64_t *)whole->owned[0];
    int64_t i, before = 0;
    int k;
    for (k = 0; k < (cut->folds ? cut->folds : 2); k++)
        begin[k] = fnni_cut_begin(cut, whole->count, k);
    for (k = 0; cut->folds && k < whole->classes; k++) {
        const int64_t samples = next[k];
        next[k] = before;
        before += samples;
    }
    for (i = 0; i < whole->count; i++) {
        int64_t *of_class = &next[fnni_class_of(whole, fnni_dataset_row(whole, i))];
        const int64_t part = cut->folds ? (*of_class)++ % cut->folds : (*of_class)-- <= 0;
        order[begin[part]++] = index[i];
    }
    memcpy(index, order, (size_t)whole->count * sizeof *index);
}

static fnn_result fnni_stratify(fnn_dataset *whole, const fnni_cut *cut, fnn_error *error)
{
    const size_t classes = (size_t)whole->classes, parts = cut->folds ? (size_t)cut->folds : 2;
    const size_t numbers = fnni_plus(fnni_plus(classes, parts), (size_t)whole->count);
    int64_t *next = (int64_t *)fnni_allocate(&whole->allocator, fnni_times(numbers, sizeof *next));
    fnni_remainder *remainders =
        (fnni_remainder *)fnni_allocate(&whole->allocator, fnni_times(classes, sizeof *remainders));
    fnn_result result = FNN_OK;
    int64_t i;
    if (next && remainders) {
        memset(next, 0, classes * sizeof *next);
        for (i = 0; i < whole->count; i++) next[fnni_class_of(whole, fnni_dataset_row(whole, i))]++;
        if (!cut->folds)
            fnni_strata_quotas(next, remainders, whole->classes, cut->first_count, whole->count);
        fnni_strata_deal(whole, cut, next, next + classes, next + classes + parts);
    } else {
        result = fnni_fail(error, FNN_ERROR_MEMORY, "no memory to stratify %lld samples",
                           (long long)whole->count);
    }
    fnni_release(&whole->allocator, remainders);
    fnni_release(&whole->allocator, next);
    return result;
}

/* All samples of `data` in the order wanted: the whole that is cut up. */
static fnn_result fnni_view_ordered(fnn_dataset *view, const fnn_dataset *data, const fnni_cut *cut,
                                    fnn_error *error)
{
    fnn_result result = fnni_order_check(data, cut->order, error);
    if (result == FNN_OK) result = fnni_view(view, data, NULL, data->count, error);
    if (result == FNN_OK && cut->order != FNN_ORDER_KEEP)
        fnni_shuffle((int64_t *)view->owned[0], view->count, cut->seed, FNNI_STREAM_DATASET);
    if (result == FNN_OK && cut->order == FNN_ORDER_STRATIFIED && view->count > 0)
        result = fnni_stratify(view, cut, error);
    return result;
}

/* Makes `inside` the samples begin .. end - 1 of `whole`, and `outside` the others, in order. */
static fnn_result fnni_view_cut(const fnn_dataset *whole, int64_t begin, int64_t end,
                                fnn_dataset *inside, fnn_dataset *outside, fnn_error *error)
{
    int64_t i, *rest, count = whole->count - (end - begin);
    fnn_result result = FNN_OK;
    int64_t *part = fnni_view_begin(inside, whole, end - begin);
    rest = fnni_view_begin(outside, whole, count);
    if ((!part && end > begin) || (!rest && count > 0)) {
        fnn_dataset_free(inside);
        fnn_dataset_free(outside);
        result = fnni_fail(error, FNN_ERROR_MEMORY, "no memory for views of %lld samples",
                           (long long)whole->count);
    } else {
        for (i = 0; i < begin; i++) rest[i] = whole->index[i];
        for (i = begin; i < end; i++) part[i - begin] = whole->index[i];
        for (i = end; i < whole->count; i++) rest[begin + i - end] = whole->index[i];
    }
    return result;
}

/* The arguments common to split and fold; zeroes the outputs. */
static fnn_result fnni_view_arguments(const fnn_dataset *data, fnn_dataset *a, fnn_dataset *b,
                                      fnn_error *error)
{
    const int wrong = !a || !b || a == b || a == data || b == data;
    if (a && a != data) memset(a, 0, sizeof *a);
    if (b && b != data) memset(b, 0, sizeof *b);
    if (wrong)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "a view's outputs must be different, and not NULL nor its parent");
    return fnni_dataset_check_shape(data, error);
}

FNNI_COLD FNN_DEF fnn_result fnn_dataset_subset(const fnn_dataset *data, const int64_t *samples,
                                                int64_t count, fnn_dataset *out, fnn_error *error)
{
    int64_t i;
    fnn_result result;
    if (!out || out == data)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "subset: out is %s", out ? "data" : "NULL");
    memset(out, 0, sizeof *out);
    result = fnni_dataset_check_shape(data, error);
    if (result == FNN_OK && (count < 0 || (uint64_t)count > SIZE_MAX || (count > 0 && !samples)))
        result = fnni_fail(error, FNN_ERROR_ARGUMENT, "subset: %lld samples%s", (long long)count,
                           samples ? "" : ", and no list of them");
    for (i = 0; result == FNN_OK && i < count; i++)
        if (samples[i] < 0 || samples[i] >= data->count)
            result = fnni_fail(error, FNN_ERROR_ARGUMENT,
                               "subset: samples[%lld] is %lld, expected 0 to count - 1 = %lld",
                               (long long)i, (long long)samples[i], (long long)data->count - 1);
    if (result == FNN_OK) result = fnni_view(out, data, samples, count, error);
    return result;
}

FNNI_COLD FNN_DEF fnn_result fnn_dataset_shuffle(const fnn_dataset *data, uint64_t seed,
                                                 fnn_dataset *out, fnn_error *error)
{
    fnni_cut cut = {0, 0, 0, 0};
    fnn_result result;
    if (!out || out == data)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "shuffle: out is %s", out ? "data" : "NULL");
    memset(out, 0, sizeof *out);
    result = fnni_dataset_check_shape(data, error);
    cut.order = FNN_ORDER_SHUFFLE;
    cut.seed = seed;
    if (result == FNN_OK) result = fnni_view_ordered(out, data, &cut, error);
    return result;
}

/* Cuts the samples in their order, and makes part number `part` inside and the others outside. */
static fnn_result fnni_view_part(const fnn_dataset *data, const fnni_cut *cut, int part,
                                 fnn_dataset *inside, fnn_dataset *outside, fnn_error *error)
{
    const int64_t count = data->count;
    fnn_dataset whole;
    fnn_result result;
    memset(&whole, 0, sizeof whole);
    result = fnni_view_ordered(&whole, data, cut, error);
    if (result == FNN_OK)
        result = fnni_view_cut(&whole, fnni_cut_begin(cut, count, part),
                               fnni_cut_begin(cut, count, part + 1), inside, outside, error);
    fnn_dataset_free(&whole);
    return result;
}

FNNI_COLD FNN_DEF fnn_result fnn_dataset_split(const fnn_dataset *data, int64_t first_count,
                                               int order, uint64_t seed, fnn_dataset *first,
                                               fnn_dataset *second, fnn_error *error)
{
    const fnni_cut cut = {order, seed, first_count, 0};
    fnn_result result = fnni_view_arguments(data, first, second, error);
    if (result == FNN_OK && (first_count < 0 || first_count > data->count))
        result = fnni_fail(error, FNN_ERROR_ARGUMENT, "split: first_count is %lld of %lld samples",
                           (long long)first_count, (long long)data->count);
    if (result == FNN_OK) result = fnni_view_part(data, &cut, 0, first, second, error);
    return result;
}

FNNI_COLD FNN_DEF fnn_result fnn_dataset_fold(const fnn_dataset *data, int folds, int fold,
                                              int order, uint64_t seed, fnn_dataset *train,
                                              fnn_dataset *validation, fnn_error *error)
{
    const fnni_cut cut = {order, seed, 0, folds};
    fnn_result result = fnni_view_arguments(data, train, validation, error);
    if (result == FNN_OK && (folds < 2 || folds > data->count || fold < 0 || fold >= folds))
        result = fnni_fail(error, FNN_ERROR_ARGUMENT, "fold %d of %d folds of %lld samples", fold,
                           folds, (long long)data->count);
    if (result == FNN_OK) result = fnni_view_part(data, &cut, fold, validation, train, error);
    return result;
}

/* ============================================================================
 * >>normalizations  features on a common scale
 * ============================================================================
 * All of a kind stands in its row of FNN_NORMALIZATION_LIST (>>api). */

/* Adds x - first to sums, or its distance from the mean, squared, to squares. All that follows is
 * relative to the first sample, so that a feature that never changes has a variance of exactly 0,
 * which the rounding of its mean would otherwise spoil. */
static void fnni_moments_add(const fnn_dataset *data, int64_t sample, double *sums,
                             const double *means, double *squares)
{
    size_t j, features = fnni_dataset_features(data);
    size_t at = fnni_dataset_row(data, sample) * features;
    size_t first = fnni_dataset_row(data, 0) * features;
    for (j = 0; j < features; j++) {
        double x = data->bytes ? (double)data->bytes[at + j] - (double)data->bytes[first + j]
                               : (double)data->reals[at + j] - (double)data->reals[first + j];
        if (squares) squares[j] += (x - means[j]) * (x - means[j]);
        else sums[j] += x;
    }
}

/* Turns the zeroed arrays into means (relative to sample 0) and, if wanted, population variances:
 * two passes over the data, in the order of the samples. */
static void fnni_data_moments(const fnn_dataset *data, int want_variances, double *means,
                              double *variances)
{
    size_t j, features = fnni_dataset_features(data);
    int64_t i;
    for (i = 0; i < data->count; i++) fnni_moments_add(data, i, means, NULL, NULL);
    for (j = 0; j < features; j++) means[j] /= (double)data->count;
    if (!want_variances) return;
    for (i = 0; i < data->count; i++) fnni_moments_add(data, i, NULL, means, variances);
    for (j = 0; j < features; j++) variances[j] /= (double)data->count;
}

/* What a kind needs to know of the data: its row of the list. */
typedef enum fnni_statistics {
    FNNI_NO_STATISTICS,
    FNNI_MEANS,
    FNNI_VARIANCES,
    FNNI_GIVEN /* it is made of the caller's numbers */
} fnni_statistics;

#define FNNI_NORMALIZATION_NEEDS(kind, name, statistics, scale) statistics,
static const fnni_statistics fnni_normalization_needs[] = {
    FNN_NORMALIZATION_LIST(FNNI_NORMALIZATION_NEEDS)};
#undef FNNI_NORMALIZATION_NEEDS

#define FNNI_NORMALIZATION_NAME(kind, name, statistics, scale) #name,
static const char *const fnni_normalization_names[] = {
    FNN_NORMALIZATION_LIST(FNNI_NORMALIZATION_NAME)};
#undef FNNI_NORMALIZATION_NAME

/* Whether there are numbers to apply, which a model keeps. */
static int fnni_normalizes(fnn_normalization kind)
{
    return kind != FNN_NORMALIZE_NONE;
}

static double fnni_normalization_scale(fnn_normalization kind, double variance)
{
    switch (kind) {
#define FNNI_NORMALIZATION_CASE(kind, name, statistics, scale) \
    case kind: return scale;
        FNN_NORMALIZATION_LIST(FNNI_NORMALIZATION_CASE)
#undef FNNI_NORMALIZATION_CASE
    case FNN_NORMALIZATION_COUNT: break;
    }
    return 1;
}

/* Shift and scale of one feature. Returns 0 when they are not finite. */
static int fnni_normalization_of(fnn_normalization kind, double mean, double variance,
                                 fnn_real *shift, fnn_real *scale)
{
    const double largest = FNNI_REAL_MAX;
    const double s = fnni_normalization_scale(kind, variance);
    /* written so that a NaN fails */
    if (!(fabs(mean) <= largest && s <= largest && variance <= DBL_MAX)) return 0;
    *shift = (fnn_real)mean;
    *scale = (fnn_real)s;
    return 1;
}

/* Those of all features, from the data's statistics. */
static fnn_result fnni_normalization_measure(fnn_normalization kind, const fnn_dataset *data,
                                             fnn_real *shift, fnn_real *scale, fnn_error *error)
{
    const size_t features = fnni_dataset_features(data);
    const size_t first = fnni_dataset_row(data, 0) * features;
    fnn_result result = FNN_OK;
    double *moments;
    size_t j, bytes;
    if (!fnni_multiply(features, 2 * sizeof *moments, &bytes)) return FNN_ERROR_MEMORY;
    moments = (double *)fnni_allocate(&data->allocator, bytes);
    if (!moments)
        return fnni_fail(error, FNN_ERROR_MEMORY, "no memory for the statistics of %llu features",
                         (unsigned long long)features);
    memset(moments, 0, bytes);
    fnni_data_moments(data, fnni_normalization_needs[kind] == FNNI_VARIANCES, moments,
                      moments + features);
    for (j = 0; !result && j < features; j++) {
        double base = data->bytes ? (double)data->bytes[first + j] : (double)data->reals[first + j];
        if (!fnni_normalization_of(kind, base + moments[j], moments[features + j], &shift[j],
                                   &scale[j]))
            result = fnni_fail(error, FNN_ERROR_NUMERIC,
                               "normalization: feature %llu has mean %g and variance %g",
                               (unsigned long long)j, base + moments[j], moments[features + j]);
    }
    fnni_release(&data->allocator, moments);
    return result;
}

FNN_DEF fnn_result fnn_normalization_compute(fnn_normalization kind, const fnn_dataset *data,
                                             fnn_real *shift, fnn_real *scale, fnn_error *error)
{
    size_t j;
    const fnn_result result = fnn_dataset_check(data, error);
    if (result) return result;
    if (!shift || !scale || (unsigned)kind >= FNN_NORMALIZATION_COUNT)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "normalization: kind %d, shift %s, scale %s",
                         (int)kind, shift ? "set" : "NULL", scale ? "set" : "NULL");
    if (fnni_normalization_needs[kind] == FNNI_GIVEN)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "normalization: expected a kind that is made of data, found %s",
                         fnni_normalization_names[kind]);
    if (fnni_normalization_needs[kind] != FNNI_NO_STATISTICS)
        return fnni_normalization_measure(kind, data, shift, scale, error);
    for (j = 0; j < fnni_dataset_features(data); j++) {
        shift[j] = 0;
        scale[j] = (fnn_real)fnni_normalization_scale(kind, 0);
    }
    return FNN_OK;
}

/* The kind of the caller's numbers. */
static const fnn_normalization fnni_normalization_given = FNN_NORMALIZE_GIVEN;

/* Spreads the caller's numbers, one or one a channel or one a feature, over so many features: each
 * repeats from feature to feature, since channels are contiguous. NULL: all are `usual`. Returns
 * which of them is not finite, or -1. */
static int fnni_normalization_spread(const fnn_real *given, int count, fnn_real usual, int features,
                                     fnn_real *spread)
{
    int j;
    for (j = 0; j < features; j++) spread[j] = given ? given[j % count] : usual;
    for (j = 0; given && j < count; j++)
        if (!fnni_is_finite(given[j])) return j;
    return -1;
}

/* ============================================================================
 * >>augmentation  flips, shifts and cuts, drawn as a batch is gathered
 * ============================================================================ */

/* How one sample is changed: flipped, then moved, then cut. */
typedef struct fnni_warp {
    int flip, down, right;                     /* pixels that it moves down and to the right */
    int cut_top, cut_bottom, cut_from, cut_to; /* rows and columns; an empty range: nothing */
    fnn_real fill;
} fnni_warp;

/* What a run asks when it gathers. */
typedef struct fnni_augmenter {
    const fnn_augmentation *draw; /* NULL: every sample is changed by `fixed` */
    uint64_t seed, pass;
    fnni_warp fixed;
} fnni_augmenter;

#define FNNI_STREAM_FLIP 0x666c6970u
#define FNNI_STREAM_AUGMENT 0x6175676d00000000u /* the pass is added */
#define FNNI_AUGMENT_DRAWS 8                    /* numbers of the stream that a row has */

static int fnni_augments(const fnn_augmentation *a)
{
    return a->flip || a->shift || (a->cutout_size && a->cutout_probability > 0);
}

static fnn_result fnni_augmentation_check(const fnn_augmentation *a, const fnn_dataset *data,
                                          int height, int width, int channels, fnn_error *error)
{
    const int alike = data->height == height && data->width == width && data->channels == channels;
    if ((a->flip || a->shift || a->cutout_size) && !alike)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "augmentation: expected images of the model's %d x %d x %d, found %d x %d "
                         "x %d",
                         height, width, channels, data->height, data->width, data->channels);
    if ((unsigned)a->flip >= FNN_FLIP_COUNT)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "augmentation: expected a flip, found %d",
                         (int)a->flip);
    if (a->shift < 0 || (a->shift > 0 && (a->shift >= data->height || a->shift >= data->width)))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "augmentation: expected a shift from 0 to below the images' %d x %d, "
                         "found %d",
                         data->height, data->width, a->shift);
    if (a->cutout_size < 0 || !(a->cutout_probability >= 0 && a->cutout_probability <= 1) ||
        !(a->cutout_fill - a->cutout_fill == 0))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "augmentation: expected a cutout of size >= 0, probability in 0..1 and a "
                         "finite fill, found %d, %g, %g",
                         a->cutout_size, a->cutout_probability, (double)a->cutout_fill);
    return FNN_OK;
}

static int fnni_clamp(int64_t x, int most)
{
    return x < 0 ? 0 : x > most ? most : (int)x;
}

static int fnni_draw_flip(const fnni_augmenter *g, size_t row)
{
    if (g->draw->flip == FNN_FLIP_ALTERNATING)
        return (int)((fnni_random(g->seed, FNNI_STREAM_FLIP, row) >> 63 ^ g->pass) & 1);
    return g->draw->flip == FNN_FLIP_RANDOM &&
           fnni_random(g->seed, FNNI_STREAM_AUGMENT + g->pass, FNNI_AUGMENT_DRAWS * row) >> 63;
}

/* The square's rows and columns, where the image has them. */
static void fnni_draw_cut(const fnni_augmenter *g, const fnn_dataset *data, size_t row,
                          fnni_warp *w)
{
    const uint64_t stream = FNNI_STREAM_AUGMENT + g->pass, first = FNNI_AUGMENT_DRAWS * row;
    const int size = g->draw->cutout_size;
    int64_t top, left;
    if (!(fnni_random_unit(g->seed, stream, first + 3) < g->draw->cutout_probability)) return;
    top = (int64_t)fnni_random_below(g->seed, stream, first + 4, (uint64_t)data->height) - size / 2;
    left = (int64_t)fnni_random_below(g->seed, stream, first + 5, (uint64_t)data->width) - size / 2;
    w->cut_top = fnni_clamp(top, data->height);
    w->cut_bottom = fnni_clamp(top + size, data->height);
    w->cut_from = fnni_clamp(left, data->width);
    w->cut_to = fnni_clamp(left + size, data->width);
    w->fill = g->draw->cutout_fill;
}

/* What happens to the sample in this row of the arrays. */
static fnni_warp fnni_warp_draw(const fnni_augmenter *g, const fnn_dataset *data, size_t row)
{
    const uint64_t stream = FNNI_STREAM_AUGMENT + g->pass, first = FNNI_AUGMENT_DRAWS * row;
    fnni_warp w = g->fixed;
    uint64_t span;
    if (!g->draw) return w;
    span = 2 * (uint64_t)g->draw->shift + 1;
    w.flip = fnni_draw_flip(g, row);
    w.down = (int)fnni_random_below(g->seed, stream, first + 1, span) - g->draw->shift;
    w.right = (int)fnni_random_below(g->seed, stream, first + 2, span) - g->draw->shift;
    if (g->draw->cutout_size) fnni_draw_cut(g, data, row, &w);
    return w;
}

/* Where raw numbers go: a sample y of the batch, and how they become its numbers. */
typedef struct fnni_scaler {
    const fnni_kernels *kernels;
    const fnn_dataset *data;
    const fnn_real *shift, *scale; /* of every number, or of all */
    int per_element;
    fnn_real *y;
} fnni_scaler;

/* n raw numbers x become y[at], y[at + 1] ... */
static void fnni_scale_stretch(const fnni_scaler *s, const char *x, size_t at, size_t n)
{
    const size_t j = s->per_element ? at : 0;
    if (s->data->bytes)
        s->kernels->from_bytes((ptrdiff_t)n, (const uint8_t *)x, s->per_element, s->shift + j,
                               s->scale + j, s->y + at);
    else
        s->kernels->from_reals((ptrdiff_t)n, (const fnn_real *)(const void *)x, s->per_element,
                               s->shift + j, s->scale + j, s->y + at);
}

/* The same of n times the number `value`. */
static void fnni_scale_fill(const fnni_scaler *s, fnn_real value, size_t at, size_t n)
{
    const size_t end = at + n;
    for (; at < end; at++) {
        const size_t j = s->per_element ? at : 0;
        s->y[at] = (value - s->shift[j]) * s->scale[j];
    }
}

#define FNNI_REVERSED 512 /* numbers that are turned round at a time */

/* n pixels of so many bytes, from `from` downwards. */
static void fnni_reverse(char *to, const char *from, int n, size_t pixel)
{
    int i;
    if (pixel == 1)
        for (i = 0; i < n; i++) to[i] = from[-i];
    else
        for (i = 0; i < n; i++, to += pixel, from -= pixel) memcpy(to, from, pixel);
}

/* Line i of a sample's pixels, flipped and moved sideways, becomes y from number `at` on. Pixel j
 * of the new line is pixel j - right of the old one, or of its mirror image. */
static void fnni_warp_line(const fnni_scaler *s, const fnni_warp *w, const char *line, size_t at)
{
    const int width = s->data->width, from = w->right > 0 ? w->right : 0;
    const int to = w->right < 0 ? width + w->right : width;
    const size_t channels = (size_t)s->data->channels;
    const size_t pixel = channels * (s->data->bytes ? 1 : sizeof(fnn_real));
    const int most = channels < FNNI_REVERSED ? (int)(FNNI_REVERSED / channels) : 1;
    fnn_real space[FNNI_REVERSED];
    int j, n;
    fnni_scale_fill(s, 0, at, (size_t)from * channels);
    fnni_scale_fill(s, 0, at + (size_t)to * channels, (size_t)(width - to) * channels);
    if (!w->flip)
        fnni_scale_stretch(s, line + (size_t)(from - w->right) * pixel,
                           at + (size_t)from * channels, (size_t)(to - from) * channels);
    for (j = from; w->flip && j < to; j += n) {
        const char *last = line + (size_t)(width - 1 - j + w->right) * pixel;
        n = to - j < most ? to - j : most;
        if (n > 1) fnni_reverse((char *)space, last, n, pixel);
        fnni_scale_stretch(s, n > 1 ? (const char *)space : last, at + (size_t)j * channels,
                           (size_t)n * channels);
    }
}

/* A whole sample, whose raw numbers are at `pixels`. */
static void fnni_warp_sample(const fnni_scaler *s, const fnni_warp *w, const char *pixels)
{
    const int height = s->data->height;
    const size_t channels = (size_t)s->data->channels, line = (size_t)s->data->width * channels;
    const size_t bytes = line * (s->data->bytes ? 1 : sizeof(fnn_real));
    int i;
    for (i = 0; i < height; i++) {
        const int old = i - w->down;
        if (old < 0 || old >= height) fnni_scale_fill(s, 0, (size_t)i * line, line);
        else fnni_warp_line(s, w, pixels + (size_t)old * bytes, (size_t)i * line);
    }
    for (i = w->cut_top; i < w->cut_bottom; i++)
        fnni_scale_fill(s, w->fill, (size_t)i * line + (size_t)w->cut_from * channels,
                        (size_t)(w->cut_to - w->cut_from) * channels);
}

/* ============================================================================
 * >>activations  y = f(x), element by element or over a row
 * ============================================================================ */

static int fnni_is_activation(fnn_activation activation)
{
    return (unsigned)activation < FNN_ACTIVATION_COUNT;
}

/* Whether an activation may have this parameter. For a < 0 the sign of y no longer shows the
 * sign of x, which the gradient needs. NaN is refused too. */
static int fnni_parameter_fits(fnn_activation activation, fnn_real parameter)
{
    return !fnni_activation_has(activation, FNNI_HAS_PARAMETER) || parameter >= 0;
}

/* Whether kind is an activation that works on single elements. */
static int fnni_is_elementwise(fnn_activation kind)
{
    return fnni_is_activation(kind) && !fnni_activation_has(kind, FNNI_ROWWISE);
}

/* Whether an activation needs a layer of its own: its gradient needs the input, or it works
 * on whole rows. */
static int fnni_activation_apart(fnn_activation activation)
{
    return fnni_activation_has(activation, FNNI_SLOPE_OF_X | FNNI_ROWWISE);
}

/* Whether the largest of several numbers stays the largest, and the first of equals. */
static int fnni_keeps_order(fnn_activation activation, fnn_real parameter)
{
    return fnni_activation_has(activation, FNNI_KEEPS_ORDER) &&
           fnni_parameter_fits(activation, parameter);
}

FNN_DEF fnn_result fnn_activation_forward(fnn_context *context, fnn_activation kind,
                                          fnn_real parameter, ptrdiff_t n, const fnn_real *x,
                                          fnn_real *y)
{
    const fnni_kernels *kernels = fnni_table(context);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y) || !fnni_is_elementwise(kind))
        return FNN_ERROR_ARGUMENT;
    kernels->activation(kind, parameter, n, x, y);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_activation_backward(fnn_context *context, fnn_activation kind,
                                           fnn_real parameter, ptrdiff_t n, const fnn_real *x,
                                           const fnn_real *y, const fnn_real *dy, fnn_real *dx)
{
    const fnni_kernels *kernels = fnni_table(context);
    const fnn_real *read = y;
    if (!fnni_is_elementwise(kind) || !fnni_parameter_fits(kind, parameter))
        return FNN_ERROR_ARGUMENT;
    if (fnni_activation_has(kind, FNNI_SLOPE_OF_X)) read = x;
    if (fnni_activation_has(kind, FNNI_IDENTITY)) read = dy;
    if (!fnni_usable(kernels, n, read) || !fnni_usable(kernels, n, dy) ||
        !fnni_usable(kernels, n, dx))
        return FNN_ERROR_ARGUMENT;
    kernels->activation_backward(kind, parameter, n, x, y, dy, dx);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_softmax(fnn_context *context, ptrdiff_t rows, ptrdiff_t columns,
                               const fnn_real *x, fnn_real *y)
{
    const fnni_kernels *kernels = fnni_table(context);
    const ptrdiff_t n = fnni_area(rows, columns);
    if (!fnni_usable(kernels, n, x) || !fnni_usable(kernels, n, y)) return FNN_ERROR_ARGUMENT;
    kernels->softmax(rows, columns, x, y);
    return FNN_OK;
}

static void fnni_softmax_backward(int rows, int columns, const fnn_real *y, const fnn_real *dy,
                                  fnn_real *dx)
{
    int i, j;
    for (i = 0; i < rows; i++, y += columns, dy += columns, dx += columns) {
        fnn_real sum = 0;
        for (j = 0; j < columns; j++) sum += dy[j] * y[j];
        for (j = 0; j < columns; j++) dx[j] = y[j] * (dy[j] - sum);
    }
}

/* ---- in files: the name and the parameter ---- */

static void fnni_write_activation(fnni_writer *w, fnn_activation activation, fnn_real parameter)
{
    fnni_emit_text(w, " %s", fnni_activations[activation].word);
    fnni_emit_word(w, parameter);
}

static int fnni_word_activation(const char *word, fnn_activation *activation)
{
    int kind;
    for (kind = 0; kind < FNN_ACTIVATION_COUNT; kind++) {
        *activation = (fnn_activation)kind;
        if (!strcmp(word, fnni_activations[kind].word)) return 1;
    }
    return 0;
}

static int fnni_read_activation(const char *const *word, fnn_activation *activation,
                                fnn_real *parameter)
{
    return fnni_word_activation(word[0], activation) && fnni_word_real(word[1], parameter) &&
           fnni_parameter_fits(*activation, *parameter);
}

/* ============================================================================
 * >>losses  a loss and its gradient, a page a loss
 * ============================================================================
 * Called by >>step through fnni_losses. Every loss is a mean over the batch, so gradients come out
 * divided by the number of rows. To add a loss: a row in FNN_LOSS_LIST (>>api), a page here with a
 * function fnni_loss_NAME, which fills in losses and, where wanted, d for all rows of a call; a
 * row in the gradient check (tests/test_gradients.c). */

/* Rows of a batch on their way through a loss. */
typedef struct fnni_loss {
    const fnni_kernels *kernels;
    int rows, n, batch;          /* rows of this call; outputs of each; rows of the whole batch */
    const fnn_real *y;           /* (rows,n) */
    const int32_t *labels;       /* (rows), or */
    const fnn_real *targets;     /* (rows,n): the other is NULL */
    fnn_real smoothing, epsilon; /* the model's label smoothing and margin */
    fnn_real *losses;            /* (rows) */
    fnn_real *d;                 /* (rows,n) the gradient by y of the batch's mean, or NULL */
} fnni_loss;

/* The row's target in double: one-hot or given. */
static double fnni_target(const fnni_loss *c, int row, int j)
{
    return c->targets ? (double)c->targets[(size_t)row * (size_t)c->n + (size_t)j]
                      : c->labels[row] == j;
}

/* The same as a distribution, smoothed if asked. */
static double fnni_smoothed(const fnni_loss *c, int row, int j)
{
    const double smoothing = (double)c->smoothing;
    return (1 - smoothing) * fnni_target(c, row, j) + smoothing / c->n;
}

/* A loss that takes row by row: returns the row's, and where d is not NULL its gradient by y. */
typedef double (*fnni_loss_row)(const fnni_loss *c, int row, const fnn_real *y, fnn_real *d);

static void fnni_loss_each(const fnni_loss *c, fnni_loss_row take)
{
    const fnn_real *y = c->y;
    fnn_real *d = c->d;
    int row, j;
    for (row = 0; row < c->rows; row++, y += c->n, d = d ? d + c->n : NULL) {
        c->losses[row] = (fnn_real)take(c, row, y, d);
        for (j = 0; d && j < c->n; j++) d[j] /= (fnn_real)c->batch;
    }
}

/* Losses and gradients times the samples' weights (rows). Weight 0 leaves nothing of a NaN. */
static void fnni_loss_weigh(const fnni_loss *c, const fnn_real *weights)
{
    int row, j;
    for (row = 0; row < c->rows; row++) {
        const fnn_real w = weights[row];
        fnn_real *d = c->d ? c->d + (size_t)row * (size_t)c->n : NULL;
        c->losses[row] = w > 0 ? w * c->losses[row] : 0;
        for (j = 0; d && j < c->n; j++) d[j] = w > 0 ? w * d[j] : 0;
    }
}

/* ---- softmax cross-entropy: -sum t log softmax(y); the kernel does it ---- */

static void fnni_loss_softmax_cross_entropy(const fnni_loss *c)
{
    c->kernels->softmax_cross_entropy(c->rows, c->n, c->y, c->labels, c->targets, c->smoothing,
                                      1 / (fnn_real)c->batch, c->losses, c->d);
}

FNN_DEF fnn_result fnn_softmax_cross_entropy(fnn_context *context, ptrdiff_t rows,
                                             ptrdiff_t classes, const fnn_real *logits,
                                             const int32_t *labels, const fnn_real *targets,
                                             fnn_real smoothing, fnn_real scale, fnn_real *losses,
                                             fnn_real *gradient)
{
    const fnni_kernels *kernels = fnni_table(context);
    const ptrdiff_t n = fnni_area(rows, classes);
    ptrdiff_t i;
    if (!fnni_usable(kernels, n, logits) || (n > 0 && !labels && !targets))
        return FNN_ERROR_ARGUMENT;
    if (rows > 0 && classes == 0) return FNN_ERROR_ARGUMENT;
    if (!(smoothing >= 0 && smoothing <= 1)) return FNN_ERROR_ARGUMENT;
    for (i = 0; !targets && i < rows; i++)
        if (labels[i] < 0 || labels[i] >= classes) return FNN_ERROR_ARGUMENT;
    kernels->softmax_cross_entropy(rows, classes, logits, labels, targets, smoothing, scale, losses,
                                   gradient);
    return FNN_OK;
}

/* ---- Keras' two cross-entropies, on any outputs ---- */

#define FNNI_KERAS_EPSILON 1e-7 /* Keras clips probabilities to [this, 1 - this] */

/* q = clip(y / S), S = sum y;  loss = -sum t log q;  dloss/dy_j = (g_j - sum g_i q_i) / S with
 * g_j = -t_j / q_j, or 0 where q_j was clipped. Keras 2, backend.categorical_crossentropy. */
static double fnni_row_categorical(const fnni_loss *c, int row, const fnn_real *y, fnn_real *d)
{
    const int n = c->n;
    double sum = 0, loss = 0, mix = 0;
    int j;
    for (j = 0; j < n; j++) sum += (double)y[j];
    for (j = 0; j < n; j++) {
        const double q = (double)y[j] / sum, low = FNNI_KERAS_EPSILON,
                     high = 1 - FNNI_KERAS_EPSILON;
        const double t = fnni_smoothed(c, row, j);
        const int clipped = !(q >= low && q <= high);
        loss -= t * log(q < low ? low : q > high ? high : q);
        if (d) d[j] = (fnn_real)(clipped ? 0 : -t / q);
        mix += clipped ? 0 : -t;
    }
    for (j = 0; d && j < n; j++) d[j] = (fnn_real)(((double)d[j] - mix) / sum);
    return loss;
}

static void fnni_loss_categorical_cross_entropy(const fnni_loss *c)
{
    fnni_loss_each(c, fnni_row_categorical);
}

/* z = log(clip(y)), then softmax cross-entropy of z: softmax(z) is q / sum q, so
 * loss = sum t * log(sum q) - sum t log q and dloss/dq_j = T / sum q - t_j / q_j with T = sum t;
 * nothing flows through a clipped output. Keras 2, backend.sparse_categorical_crossentropy. */
static double fnni_row_sparse(const fnni_loss *c, int row, const fnn_real *y, fnn_real *d)
{
    const double low = FNNI_KERAS_EPSILON, high = 1 - FNNI_KERAS_EPSILON;
    double sum = 0, total = 0, loss = 0;
    const int n = c->n;
    int j;
    for (j = 0; j < n; j++) {
        const double v = (double)y[j], q = v < low ? low : v > high ? high : v;
        const double t = fnni_smoothed(c, row, j);
        sum += q;
        total += t;
        loss -= t * log(q);
    }
    for (j = 0; d && j < n; j++) {
        const double v = (double)y[j];
        const int clipped = !(v >= low && v <= high);
        d[j] = (fnn_real)(clipped ? 0 : total / sum - fnni_smoothed(c, row, j) / v);
    }
    return loss + total * log(sum);
}

static void fnni_loss_sparse_categorical_cross_entropy(const fnni_loss *c)
{
    fnni_loss_each(c, fnni_row_sparse);
}

/* ---- binary cross-entropy: -t log p - (1 - t) log (1 - p), p = sigmoid(z), meaned over outputs.
 * Of the logit z, as tf.nn.sigmoid_cross_entropy_with_logits: max(z, 0) - z t + log(1 + e^-|z|),
 * which neither overflows nor takes the log of a p that was rounded to 0;  d/dz = p - t. The first
 * two are z (1 - t) or -z t; where that factor is 0 an infinite z, which is right, costs 0. ---- */

/* The row's target, smoothed if asked; the label itself is that of a single output. */
static double fnni_answer(const fnni_loss *c, int row, int j)
{
    const double smoothing = (double)c->smoothing;
    const double t = c->n == 1 && !c->targets ? (double)c->labels[row] : fnni_target(c, row, j);
    return (1 - smoothing) * t + smoothing / 2;
}

/* d holds the sigmoid of y. */
static double fnni_row_binary(const fnni_loss *c, int row, const fnn_real *y, fnn_real *d)
{
    double loss = 0;
    int j;
    for (j = 0; j < c->n; j++) {
        const double z = (double)y[j], t = fnni_answer(c, row, j), factor = (z > 0) - t;
        loss += (factor != 0 ? factor * z : 0) + log1p(exp(-fabs(z)));
        if (d) d[j] = (fnn_real)(((double)d[j] - t) / c->n);
    }
    return loss / c->n;
}

static void fnni_loss_binary_cross_entropy(const fnni_loss *c)
{
    if (c->d) c->kernels->activation(FNNI_MAP_sigmoid, 0, (ptrdiff_t)c->rows * c->n, c->y, c->d);
    fnni_loss_each(c, fnni_row_binary);
}

/* ---- functions of e = y - t, meaned over the outputs ---- */

static double fnni_row_squared(const fnni_loss *c, int row, const fnn_real *y, fnn_real *d)
{
    double loss = 0;
    int j;
    for (j = 0; j < c->n; j++) {
        const double e = (double)y[j] - fnni_target(c, row, j);
        loss += e * e;
        if (d) d[j] = (fnn_real)(2 * e / c->n);
    }
    return loss / c->n;
}

static void fnni_loss_mean_squared_error(const fnni_loss *c)
{
    fnni_loss_each(c, fnni_row_squared);
}

/* What |e| exceeds the margin by; a NaN stays one. */
static double fnni_row_beyond(const fnni_loss *c, double margin, int row, const fnn_real *y,
                              fnn_real *d)
{
    double loss = 0;
    int j;
    for (j = 0; j < c->n; j++) {
        const double e = (double)y[j] - fnni_target(c, row, j), size = fabs(e);
        loss += size > margin ? size - margin : size <= margin ? 0 : size;
        if (d) d[j] = (fnn_real)((size <= margin ? 0 : e > 0 ? 1 : e < 0 ? -1 : e) / c->n);
    }
    return loss / c->n;
}

static double fnni_row_absolute(const fnni_loss *c, int row, const fnn_real *y, fnn_real *d)
{
    return fnni_row_beyond(c, 0, row, y, d);
}

static void fnni_loss_mean_absolute_error(const fnni_loss *c)
{
    fnni_loss_each(c, fnni_row_absolute);
}

static double fnni_row_insensitive(const fnni_loss *c, int row, const fnn_real *y, fnn_real *d)
{
    return fnni_row_beyond(c, (double)c->epsilon, row, y, d);
}

static void fnni_loss_epsilon_insensitive(const fnni_loss *c)
{
    fnni_loss_each(c, fnni_row_insensitive);
}

/* ---- all losses, by their kind ---- */

/* What the targets of a loss are. */
typedef enum fnni_targets_kind {
    FNNI_TARGET_SHARES,  /* of the classes: they add up to 1 */
    FNNI_TARGET_ANSWERS, /* no or yes, 0 to 1, one for each output */
    FNNI_TARGET_NUMBERS, /* any */
    FNNI_TARGET_OWN      /* what a function of the caller's makes of them, or none */
} fnni_targets_kind;

typedef struct fnni_loss_type {
    const char *name;        /* in files */
    fnn_activation absorbed; /* at the model's end it and this are computed as one */
    fnni_targets_kind targets;
    void (*all)(const fnni_loss *c);
} fnni_loss_type;

#define FNNI_LOSS_TYPE(kind, stem, absorbed, targets) {#stem, absorbed, targets, fnni_loss_##stem},
static const fnni_loss_type fnni_losses[] = {FNN_LOSS_LIST(FNNI_LOSS_TYPE)};
#undef FNNI_LOSS_TYPE

/* A function of the caller's stands beside the list: fnn_set_loss_function. It gets whole batches
 * (fnni_own_loss), so that there is no function for some rows. */
static const fnni_loss_type fnni_loss_function_type = {"function", FNNI_AS_IT_IS, FNNI_TARGET_OWN,
                                                       NULL};

/* Whether a loss takes the input of this activation, where it is the model's last. */
static int fnni_loss_absorbs(const fnni_loss_type *loss, fnn_activation activation)
{
    return activation != FNNI_AS_IT_IS && loss->absorbed == activation;
}

static int fnni_some_loss_absorbs(fnn_activation activation)
{
    int kind = 0;
    while (kind < FNN_LOSS_COUNT && !fnni_loss_absorbs(&fnni_losses[kind], activation)) kind++;
    return kind < FNN_LOSS_COUNT;
}

/* Whether any number will do as a target. */
static int fnni_loss_takes_any(const fnni_loss_type *loss)
{
    return loss->targets == FNNI_TARGET_NUMBERS || loss->targets == FNNI_TARGET_OWN;
}

/* Whether each output is a question of its own, and y > 0 is the answer yes. */
static int fnni_loss_is_binary(const fnni_loss_type *loss)
{
    return loss->targets == FNNI_TARGET_ANSWERS;
}

/* Classes that labels may have: a single output answers no or yes. */
static int fnni_loss_classes(const fnni_loss_type *loss, int outputs)
{
    return fnni_loss_is_binary(loss) && outputs == 1 ? 2 : outputs;
}

/* A share of a single class is 1 whatever the weights are: nothing would be learned. */
static fnn_result fnni_loss_check_outputs(const fnni_loss_type *loss, int outputs, fnn_error *error)
{
    if (loss->targets != FNNI_TARGET_SHARES || outputs > 1) return FNN_OK;
    return fnni_fail(error, FNN_ERROR_ARGUMENT,
                     "loss: %s of a single output learns nothing: expected two outputs or more, or "
                     "fnn_set_loss to binary cross-entropy for no or yes, to mean squared error "
                     "for a number",
                     loss->name);
}

/* A sample's targets (n). classes: of the data set, 0: the targets say themselves what they are. A
 * NaN passes: the loss will tell. */
static fnn_result fnni_loss_check_row(const fnni_loss_type *loss, const fnn_real *t, int n,
                                      int classes, int64_t sample, fnn_error *error)
{
    const fnni_targets_kind wanted = loss->targets;
    double sum = 0;
    int j, outside = 0;
    for (j = 0; j < n; j++) {
        sum += (double)t[j];
        if (t[j] < 0 || t[j] > 1) outside = j + 1;
    }
    if (wanted == FNNI_TARGET_ANSWERS && outside)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "sample %lld: expected targets from 0 to 1 under %s, found %g",
                         (long long)sample, loss->name, (double)t[outside - 1]);
    if (wanted == FNNI_TARGET_SHARES && classes == 0 && (outside || fabs(sum - 1) > .01))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "sample %lld: expected shares of classes that add up to 1 under %s, found "
                         "a sum of %g, the first %g; %snumbers are learned by mean squared error",
                         (long long)sample, loss->name, sum, (double)t[0],
                         outside ? "" : "answers of 0 or 1 are learned by binary cross-entropy, ");
    return FNN_OK;
}

/* The kind of a name, or -1. */
static int fnni_loss_named(const char *name)
{
    int kind;
    for (kind = 0; kind < FNN_LOSS_COUNT; kind++)
        if (!strcmp(fnni_losses[kind].name, name)) return kind;
    return -1;
}

/* ============================================================================
 * >>optimizers  constructors, and what a step needs of them and of a configuration
 * ============================================================================
 * Called by >>step. The arithmetic is in >>kernels, one pass over parameters, gradients and state;
 * here its constants are worked out once a step. To add an optimiser: its row in
 * FNN_OPTIMIZER_LIST, its formula in >>kernels, its constructor here, a twin in
 * tests/test_optimizers.c. */

typedef struct fnni_optimizer_type {
    const char *word;
    int states, traits;
    fnn_real epsilon, rho; /* PyTorch's */
} fnni_optimizer_type;

#define FNNI_OPTIMIZER_TYPE(name, word, states, traits, epsilon, rho) \
    {#word, states, traits, (fnn_real)(epsilon), (fnn_real)(rho)},
static const fnni_optimizer_type fnni_optimizers[] = {FNN_OPTIMIZER_LIST(FNNI_OPTIMIZER_TYPE)};

#define FNNI_NO_OPTIMIZER "none"

static const char *fnni_optimizer_word(int kind)
{
    return kind < 0 ? FNNI_NO_OPTIMIZER : fnni_optimizers[kind].word;
}

/* The kind of that word, or -1. */
static int fnni_optimizer_named(const char *word)
{
    int kind = FNN_OPTIMIZER_COUNT - 1;
    while (kind >= 0 && strcmp(fnni_optimizers[kind].word, word)) kind--;
    return kind;
}

static fnni_step fnni_step_make(const fnn_fit_config *config, uint64_t t)
{
    const fnn_optimizer *o = &config->optimizer;
    fnni_step s;
    memset(&s, 0, sizeof s);
    s.rate = o->learning_rate;
    s.gradient_scale = 1;
    s.clip = config->clip_value;
    s.l2 = config->l2;
    s.l1 = config->l1;
    s.decay = o->weight_decay;
    s.momentum = o->momentum;
    s.rho = o->rho;
    s.beta1 = o->beta1;
    s.beta2 = o->beta2;
    s.epsilon = o->epsilon;
    s.nesterov = o->nesterov;
    s.rate_inside = s.epsilon_inside = !o->pytorch;
    s.epsilon_corrected = o->pytorch;
    s.correction1 = (fnn_real)(1 - pow((double)o->beta1, (double)t));
    s.correction2 = (fnn_real)(1 - pow((double)o->beta2, (double)t));
    return s;
}

static fnn_optimizer fnni_optimizer_make(fnn_optimizer_kind kind, double rate)
{
    fnn_optimizer o;
    memset(&o, 0, sizeof o);
    o.kind = kind;
    o.learning_rate = (fnn_real)rate;
    o.epsilon = (fnn_real)1e-7;
    return o;
}

FNN_DEF fnn_optimizer fnn_sgd(double learning_rate)
{
    return fnni_optimizer_make(FNN_SGD, learning_rate);
}

FNN_DEF fnn_optimizer fnn_momentum(double learning_rate, double momentum)
{
    fnn_optimizer o = fnni_optimizer_make(FNN_MOMENTUM, learning_rate);
    o.momentum = (fnn_real)momentum;
    return o;
}

FNN_DEF fnn_optimizer fnn_nesterov(double learning_rate, double momentum)
{
    fnn_optimizer o = fnn_momentum(learning_rate, momentum);
    o.nesterov = 1;
    return o;
}

FNN_DEF fnn_optimizer fnn_adagrad(double learning_rate)
{
    fnn_optimizer o = fnni_optimizer_make(FNN_ADAGRAD, learning_rate);
    o.start = (fnn_real).1;
    return o;
}

FNN_DEF fnn_optimizer fnn_adadelta(double learning_rate)
{
    fnn_optimizer o = fnni_optimizer_make(FNN_ADADELTA, learning_rate);
    o.rho = (fnn_real).95;
    return o;
}

FNN_DEF fnn_optimizer fnn_rmsprop(double learning_rate)
{
    fnn_optimizer o = fnni_optimizer_make(FNN_RMSPROP, learning_rate);
    o.rho = (fnn_real).9;
    return o;
}

FNN_DEF fnn_optimizer fnn_adam(double learning_rate)
{
    fnn_optimizer o = fnni_optimizer_make(FNN_ADAM, learning_rate);
    o.beta1 = (fnn_real).9;
    o.beta2 = (fnn_real).999;
    return o;
}

FNN_DEF fnn_optimizer fnn_adamw(double learning_rate, double weight_decay)
{
    fnn_optimizer o = fnn_adam(learning_rate);
    o.weight_decay = (fnn_real)weight_decay;
    return o;
}

FNN_DEF fnn_optimizer fnn_pytorch(fnn_optimizer o)
{
    if ((unsigned)o.kind >= FNN_OPTIMIZER_COUNT) return o; /* a fit says so */
    o.pytorch = 1;
    o.start = 0;
    o.epsilon = fnni_optimizers[o.kind].epsilon;
    if (fnni_optimizers[o.kind].rho > 0) o.rho = fnni_optimizers[o.kind].rho;
    return o;
}

/* ============================================================================
 * >>schedules  the learning rate as a function of the step, a page a schedule
 * ============================================================================
 * Called by >>fit before each step, and by users. A rate is base times ramp times curve:
 *     ramp(s)    (s + 1) / W for the first W = warmup_steps steps s = 0, 1, ..., then 1 (Goyal et
 *                al. 2017, section 2.2; the first step already moves the weights)
 *     curve      one of the functions below. What is counted in epochs is counted from the
 *                beginning of the fit, warm-up included; what depends on the number of steps T
 *                begins behind the warm-up and has the other T - W steps.
 * A warm-up longer than the fit leaves the curve at its start. All in double. To add a schedule: a
 * row in FNN_SCHEDULE_LIST (>>api); a page here with the functions fnni_NAME_fits, which says what
 * is wrong with a schedule's fields (NULL: nothing), and fnni_NAME_curve, and its constructor; a
 * row in tests/test_schedule.c. */

/* Where training is: step of total, both without the warm-up; epochs since the fit's beginning. */
typedef struct fnni_moment {
    double step, total, epochs;
} fnni_moment;

/* How far the steps are, 0 to 1. Curves over it would end at step T, which is not taken: every step
 * moves the weights. */
static double fnni_moment_share(const fnni_moment *m)
{
    return m->step < m->total ? m->step / m->total : m->total > 0 ? 1 : 0;
}

/* From a to b along half a cosine, p in 0..1. */
static double fnni_half_cosine(double a, double b, double p)
{
    return b + (a - b) / 2 * (1 + cos(3.141592653589793 * p));
}

static fnn_schedule fnni_schedule_make(fnn_schedule_kind kind)
{
    fnn_schedule s;
    memset(&s, 0, sizeof s);
    s.kind = kind;
    return s;
}

/* ---- constant ---- */

static const char *fnni_constant_fits(const fnn_schedule *s)
{
    (void)s;
    return NULL;
}

static double fnni_constant_curve(const fnn_schedule *s, const fnni_moment *m)
{
    (void)s, (void)m;
    return 1;
}

FNN_DEF fnn_schedule fnn_schedule_constant(void)
{
    return fnni_schedule_make(FNN_SCHEDULE_CONSTANT);
}

/* ---- step decay: gamma^floor(epochs / every); torch StepLR, with every 1 ExponentialLR ---- */

static const char *fnni_gamma_fits(double gamma)
{
    return gamma >= 0 && gamma - gamma == 0 ? NULL : "a finite gamma >= 0";
}

static const char *fnni_step_decay_fits(const fnn_schedule *s)
{
    return s->every < 1 ? "a drop every 1 epoch or more" : fnni_gamma_fits(s->gamma);
}

static double fnni_step_decay_curve(const fnn_schedule *s, const fnni_moment *m)
{
    return pow(s->gamma, floor(m->epochs / s->every));
}

FNN_DEF fnn_schedule fnn_schedule_step_decay(int every, double gamma)
{
    fnn_schedule s = fnni_schedule_make(FNN_SCHEDULE_STEP_DECAY);
    s.every = every;
    s.gamma = gamma;
    return s;
}

/* ---- exponential: gamma^epochs; Keras ExponentialDecay with decay_steps an epoch ---- */

static const char *fnni_exponential_fits(const fnn_schedule *s)
{
    return fnni_gamma_fits(s->gamma);
}

static double fnni_exponential_curve(const fnn_schedule *s, const fnni_moment *m)
{
    return pow(s->gamma, m->epochs);
}

FNN_DEF fnn_schedule fnn_schedule_exponential(double gamma)
{
    fnn_schedule s = fnni_schedule_make(FNN_SCHEDULE_EXPONENTIAL);
    s.gamma = gamma;
    return s;
}

/* ---- cosine: lowest + (1 - lowest) (1 + cos(pi s / T)) / 2; SGDR (Loshchilov and Hutter 2016),
 * equation 5, without restarts; Keras CosineDecay with alpha = lowest ---- */

static const char *fnni_cosine_fits(const fnn_schedule *s)
{
    return s->lowest >= 0 && s->lowest <= 1 ? NULL : "lowest in 0..1";
}

static double fnni_cosine_curve(const fnn_schedule *s, const fnni_moment *m)
{
    return fnni_half_cosine(1, s->lowest, fnni_moment_share(m));
}

FNN_DEF fnn_schedule fnn_schedule_cosine(double lowest)
{
    fnn_schedule s = fnni_schedule_make(FNN_SCHEDULE_COSINE);
    s.lowest = lowest;
    return s;
}

/* ---- one cycle (Smith and Topin 2017, "Super-convergence"), as
 * torch.optim.lr_scheduler.OneCycleLR with anneal_strategy 'cos', three_phase False and
 * cycle_momentum False: up until step rise T - 1, which need not be whole, down until step T - 1.
 * Where PyTorch divides 0 by 0, since the way up has no length (or that of a rounding error), we
 * are at the peak. ---- */

static const char *fnni_one_cycle_fits(const fnn_schedule *s)
{
    return s->rise >= 0 && s->rise <= 1 && s->start >= 0 && s->start <= 1 && s->end >= 0 &&
                   s->end <= 1
               ? NULL
               : "rise, start and end in 0..1";
}

static double fnni_one_cycle_curve(const fnn_schedule *s, const fnni_moment *m)
{
    const double top = s->rise * m->total - 1, last = m->total - 1;
    if (!(m->total > 0)) return s->start;
    if (m->step <= top) return fnni_half_cosine(s->start, 1, top > 1e-6 ? m->step / top : 1);
    return fnni_half_cosine(1, s->end, m->step < last ? (m->step - top) / (last - top) : 1);
}

FNN_DEF fnn_schedule fnn_schedule_one_cycle(void)
{
    fnn_schedule s = fnni_schedule_make(FNN_SCHEDULE_ONE_CYCLE);
    s.rise = .3;
    s.start = 1 / 25.0;
    s.end = 1 / 25e4;
    return s;
}

/* ---- linear: 1 - s / T ---- */

static const char *fnni_linear_fits(const fnn_schedule *s)
{
    (void)s;
    return NULL;
}

static double fnni_linear_curve(const fnn_schedule *s, const fnni_moment *m)
{
    (void)s;
    return 1 - fnni_moment_share(m);
}

FNN_DEF fnn_schedule fnn_schedule_linear(void)
{
    return fnni_schedule_make(FNN_SCHEDULE_LINEAR);
}

/* ---- all schedules, by their kind ---- */

typedef struct fnni_schedule_type {
    int counts_epochs; /* so that it needs steps_per_epoch */
    const char *(*fits)(const fnn_schedule *s);
    double (*curve)(const fnn_schedule *s, const fnni_moment *m);
} fnni_schedule_type;

#define FNNI_SCHEDULE_TYPE(kind, stem, counts_epochs) \
    {counts_epochs, fnni_##stem##_fits, fnni_##stem##_curve},
static const fnni_schedule_type fnni_schedules[] = {FNN_SCHEDULE_LIST(FNNI_SCHEDULE_TYPE)};
#undef FNNI_SCHEDULE_TYPE

static fnn_result fnni_schedule_check(const fnn_schedule *s, fnn_error *error)
{
    const char *expected;
    if ((unsigned)s->kind >= FNN_SCHEDULE_COUNT || s->warmup_steps < 0)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "schedule: expected a kind and warmup_steps >= 0, found kind %d, %lld",
                         (int)s->kind, (long long)s->warmup_steps);
    expected = fnni_schedules[s->kind].fits(s);
    if (!expected) return FNN_OK;
    return fnni_fail(
        error, FNN_ERROR_ARGUMENT,
        "schedule: expected %s, found every %d, gamma %g, lowest %g, rise %g, start %g, "
        "end %g",
        expected, s->every, s->gamma, s->lowest, s->rise, s->start, s->end);
}

static double fnni_schedule_rate(const fnn_schedule *s, double base, int64_t step,
                                 int64_t total_steps, int steps_per_epoch)
{
    const int64_t last = total_steps > 0 ? total_steps - 1 : 0;
    const double at = (double)(step < 0 ? 0 : step < last ? step : last);
    const double warmup = (double)s->warmup_steps, behind = at - warmup;
    const double left = (double)total_steps - warmup;
    const double ramp = behind < 0 ? (at + 1) / warmup : 1;
    fnni_moment m;
    m.step = behind < 0 ? 0 : behind;
    m.total = left < 0 ? 0 : left;
    m.epochs = steps_per_epoch > 0 ? at / steps_per_epoch : 0;
    return base * ramp * fnni_schedules[s->kind].curve(s, &m);
}

FNN_DEF double fnn_schedule_rate(const fnn_schedule *schedule, double base_rate, int64_t step,
                                 int64_t total_steps, int steps_per_epoch)
{
    if (!schedule) return base_rate;
    if (fnni_schedule_check(schedule, NULL)) return FNNI_NAN;
    if (steps_per_epoch < 1 && fnni_schedules[schedule->kind].counts_epochs) return FNNI_NAN;
    return fnni_schedule_rate(schedule, base_rate, step, total_steps, steps_per_epoch);
}

/* ============================================================================
 * >>initializers  how weights start
 * ============================================================================
 * Called by >>model. All of a kind stands in its row of FNN_INITIALIZER_LIST (>>api). */

/* Keras' choice: weights Glorot uniform, biases zero. */
static void fnni_initializers_init(fnn_initializer *weights, fnn_initializer *biases)
{
    weights->kind = FNN_GLOROT_UNIFORM;
    weights->scale = 1;
    biases->kind = FNN_ZEROS;
    biases->scale = 0;
}

/* Draws count numbers of a layer with so many inputs and outputs a unit; stream tells tensors
 * apart. */
static void fnni_initialize(fnn_initializer start, double in, double out, uint64_t seed,
                            uint64_t stream, size_t count, fnn_real *w)
{
    double bound = 0;
    int normal = 0;
    size_t i;
    switch (start.kind) {
#define FNNI_INITIALIZER_CASE(kind, is_normal, formula) \
    case kind: normal = is_normal, bound = formula; break;
        FNN_INITIALIZER_LIST(FNNI_INITIALIZER_CASE)
#undef FNNI_INITIALIZER_CASE
    case FNN_INITIALIZER_COUNT: break;
    }
    bound *= (double)start.scale;
    for (i = 0; i < count; i++)
        w[i] = (fnn_real)(bound * (normal ? fnni_random_normal(seed, stream, i)
                                          : 2 * fnni_random_unit(seed, stream, i) - 1));
}

/* ============================================================================
 * >>parts  what a model is made of: layer, run, plan, place; how a builder begins and fails
 * ============================================================================
 * Called by >>layers and by all rooms of the engine. Here is what a layer is (fnni_layer: its
 * numbers; fnni_layer_type: what it can do), what a batch is on its way through the layers
 * (fnni_run), and the model itself. A layer's page in >>layers fills in the two; no room asks
 * which layer it has before it, only what its type's flags say and which of its functions are
 * there.
 *
 * Shapes in comments: N rows of the batch, I inputs, O outputs of the layer, all row-major. */

typedef struct fnni_shape {
    int height, width, channels;
} fnni_shape;

typedef struct fnni_layer_type fnni_layer_type;

#define FNNI_NO_LAYER (-2) /* -1 is the input */

/* Where a layer's output, or the gradient by it, is during a pass: in the run's array, for all rows
 * of the batch, or (transient) in the thread's workspace, for the image it is at. */
typedef struct fnni_place {
    int transient;
    size_t at; /* reals: per row before this tensor, or from the start of the scratch space */
} fnni_place;

typedef struct fnni_layer {
    const fnni_layer_type *type;
    fnni_shape shape; /* of the output */
    int inputs, outputs;
    /* What builders of one type or another fill in. */
    fnn_activation activation;
    fnn_real parameter; /* of the activation, or the dropout rate */
    fnn_window window;  /* of convolutions and pools */
    fnn_padding padding;
    fnn_batch_norm_config norm;
    int from;               /* of add: the earlier layer; other layers have FNNI_NO_LAYER */
    size_t weights, biases; /* how many of each; of biases there may be none */
    int rows;               /* of the weights as a matrix, which threads share out */
    double fan_in, fan_out; /* inputs and outputs of one unit, which initialisers ask for */
    fnn_initializer weights_start, biases_start;
    size_t statistics; /* numbers that training moves and no gradient reaches */
    size_t record;     /* bytes that the way back wants of each row */
    double work;       /* multiply-adds of a sample's forward pass, for sharing out */
    /* What the user says of its training: leave it as it is; so many times the rate. */
    int frozen;
    fnn_real rate_factor;
    /* What >>model decides when all layers are there. */
    int added;                /* some add refers to this layer */
    int fused;                /* this layer does the work of the one before it as well */
    int absorbed;             /* the layer behind does this one's, its output is not stored */
    size_t offset;            /* of the weights in the parameter array, the biases follow */
    size_t statistics_offset; /* in theirs */
    size_t record_offset;     /* bytes per row before this layer's */
    fnni_place y[2], d;       /* output in training and in inference; gradient */
} fnni_layer;

/* What a layer prepares for one pass: its convolution, and where in a thread's workspace the packed
 * weights of the forward and of the backward pass begin. */
typedef struct fnni_plan {
    fnni_conv conv;
    size_t packed[2];
    size_t own; /* reals of the run's array `own` before this layer's */
} fnni_plan;

/* What the layers of a run need, counted while they are planned. */
typedef struct fnni_needs {
    int rows;              /* of a batch */
    size_t packed[2];      /* reals of this layer's packed weights, forward and backward */
    size_t own;            /* reals of the run's array so far */
    size_t product, image; /* the most reals that a product, and an image on its way, takes */
} fnni_needs;

/* The tensors of one batch: a thread's chunk in inference, the whole batch in training. */
typedef struct fnni_run {
    const fnn_model *model;
    const fnni_kernels *kernels;
    int rows, capacity; /* rows in use, rows allocated */
    int training;
    int inference;           /* which of the layers' places count */
    uint64_t step;           /* of dropout: updates before this batch */
    fnn_real *activations;   /* (capacity, I) of the model's input, then (capacity, O) per layer */
    fnn_real *deltas;        /* gradients of the same, without the input's; NULL in inference */
    uint8_t *records;        /* (capacity, record) of each layer; NULL in inference */
    fnn_real *own;           /* of each layer, what it keeps of a batch; NULL in inference */
    fnni_plan *plans;        /* one a layer */
    fnn_real *losses;        /* (capacity) */
    const int32_t *labels;   /* (capacity) or NULL */
    const fnn_real *targets; /* (capacity, O) or NULL */
    const fnn_real *weights; /* (capacity) or NULL: 1 each */
    const int64_t *origins;  /* (capacity) rows of the data set's arrays, for the user's loss */
    fnn_real *workspace;     /* workspace_count a thread */
    size_t workspace_count;
    size_t image;                    /* where in a thread's workspace images are padded, */
    size_t scratch;                  /* and where transient tensors begin */
    const fnni_augmenter *augmenter; /* of the samples that are gathered, or NULL */
    int to_input;                    /* planned for a way back to the input, which few want */
    fnn_real *input_gradient;        /* (rows, I) of the model's input: the caller's, or NULL */
} fnni_run;

/* Where what the samples of a run are to give is gathered: its labels, targets and weights, and the
 * rows of the data set's arrays that they are in. */
typedef struct fnni_truth {
    int32_t *labels;
    fnn_real *targets, *weights;
    int64_t *rows;
} fnni_truth;

/* One tensor of a layer, by the name that files give it. */
#define FNNI_MAX_RANK 4 /* dimensions of a tensor */
typedef struct fnni_tensor {
    char name[FNNI_TEXT];
    const char *part; /* of the name, without the layer */
    size_t offset;    /* where it begins in its array, */
    int trained;      /* which is that of the parameters */
    int rank;
    size_t shape[FNNI_MAX_RANK];
    size_t count;
    fnn_real *values; /* NULL while the model has no memory for them, */
    double *doubles;  /* or where it is these, whatever the library's reals */
    int is_double;
} fnni_tensor;

/* What rooms want to know of a layer's type. */
#define FNNI_OF_IMAGES 1     /* windows over images: from such a layer on images go one by one */
#define FNNI_OF_ROWS 2       /* takes samples as rows of a matrix: images end here */
#define FNNI_OF_BATCH 4      /* needs the whole batch, so that a stage begins here */
#define FNNI_BY_SHARES 8     /* sums its gradient over shares of the batch's images */
#define FNNI_SHARES_INPUT 16 /* the output is the input, under another shape */
#define FNNI_RANDOM 32       /* draws in training */
#define FNNI_GRADIENT_KEPT \
    64                     /* the gradient by its output is read again after the layer's backward */
#define FNNI_ACTIVATES 128 /* has an activation */
#define FNNI_POOLS_BANDS 256 /* can do the max-pool behind it, band by band of its output */
#define FNNI_OF_TARGETS 512 /* at the end it brings outputs to the targets' unit, behind the loss */

/* What a layer can do. A function that has nothing to do is NULL. */
struct fnni_layer_type {
    const char *name; /* in messages and files */
    unsigned flags;
    /* Files. to_words: those behind the name, a blank before each. from_words: builds the layer
       that they describe, or none where they do not. tensor: describes number `which` (from 0, at
       most eight), returns 0 when there are no more. */
    void (*to_words)(fnni_writer *w, const fnni_layer *layer);
    void (*from_words)(fnn_model *model, const fnni_words *words);
    int (*tensor)(const fnn_model *model, int l, int which, fnni_tensor *t);
    /* fuse: looks at the layer before it, when all are there. start: first parameters, where they
       are not drawn as weights_start and biases_start say. plan: fills in the layer's plan and
       counts. */
    void (*fuse)(fnn_model *model, int l);
    void (*start)(fnn_model *model, const fnni_layer *layer);
    void (*plan)(const fnni_run *run, int l, fnni_plan *plan, fnni_needs *needs);
    /* What a thread does once a batch before its first forward, or backward. */
    void (*prepare)(const fnni_run *run, int l, int backward, fnn_real *workspace);
    /* Rows from..to-1 of the output y; of the input's gradient (not wanted where to_input is 0). */
    void (*forward)(const fnni_run *run, int l, int from, int to, fnn_real *workspace);
    void (*backward)(const fnni_run *run, int l, int from, int to, int to_input,
                     fnn_real *workspace);
    /* dw: rows from..to-1 of the weights' gradient, summed over the batch; db: the biases', not
       wanted where NULL. Every layer with parameters has it. */
    void (*gradient)(const fnni_run *run, int l, int from, int to, fnn_real *dw, fnn_real *db,
                     fnn_real *workspace);
    /* FNNI_OF_BATCH, on `threads` threads: before the stage that begins with the layer goes
       forward; when the gradient by its output is there for the whole batch; and once a step. */
    void (*measure)(const fnni_run *run, int l, int threads);
    void (*sum)(const fnni_run *run, int l, int threads);
    void (*update)(const fnni_run *run, int l);
};

/* How far the model's last fit is: all that it needs to go on beside the model, its data and its
 * configuration. X(type, field): numbers of eight bytes each, which checkpoints hold by name. */
/* clang-format off */
#define FNNI_PROGRESS_LIST(X) \
    /* What it is a fit of: these must be so again. samples 0: there is none to go on with. */ \
    X(int64_t, samples) X(int64_t, batch_size) X(int64_t, epoch_steps) X(int64_t, shuffle) \
    X(uint64_t, seed) X(int64_t, monitor) \
    X(uint64_t, updates_then) /* the model's updates when it last stood still */ \
    X(int64_t, keeps_average) X(int64_t, keeps_best) /* whether it has these arrays; */ \
    X(int64_t, shows_average) X(int64_t, shows_best) \
                              /* whether the model holds what they are for, and they the other */ \
    X(int64_t, epochs)        /* that are done, */ \
    X(int64_t, step)          /* steps of the one that is under way, */ \
    X(int64_t, fit_steps)     /* and of all */ \
    X(int64_t, position)      /* in the order of the samples; their number: a new pass begins */ \
    X(int64_t, seen) X(double, loss_sum) X(double, score_sum) X(double, weight_sum) \
                              /* of the epoch under way */ \
    X(double, seconds)        /* that it has taken, before this process went on with it */ \
    X(int64_t, waited)        /* epochs since the best, -1 without one */ \
    X(double, best_value)
/* clang-format on */
#define FNNI_PROGRESS_FIELD(type, field) type field;
#define FNNI_EPOCH_FIGURES 8
typedef struct fnni_progress {
    FNNI_PROGRESS_LIST(FNNI_PROGRESS_FIELD)
    fnn_real *average; /* of parameters and statistics, or NULL */
    fnn_real *best;    /* those of the best epoch, or NULL */
    double *history;   /* (rows, FNNI_EPOCH_FIGURES), of which epochs count, or NULL */
    size_t rows;
} fnni_progress;
#undef FNNI_PROGRESS_FIELD

/* Zero-terminated texts, one behind the other. */
typedef struct fnni_texts {
    char *text;   /* (bytes), NULL without any */
    size_t bytes; /* zeros included */
    int count;
} fnni_texts;

struct fnn_model {
    fnn_context context;
    fnn_error error;
    int broken; /* a builder failed: every later call returns error.code */
    fnni_shape input;
    int inputs;
    fnni_layer *layers;
    int layer_count, layer_capacity;
    int sealed;
    int *stages, stage_count; /* first layers of the stages, and layer_count behind the last */
    int spatial;              /* layers at the beginning that go image by image, or 0 */
    size_t columns[2], delta_columns,
        record_columns; /* stored per row: outputs, gradients, bytes */
    size_t scratch[2];  /* reals of a thread's transient tensors */
    double work;        /* multiply-adds of a sample's forward pass */
    uint64_t seed;
    fnn_initializer weights_start, biases_start; /* of layers to come */
    fnn_normalization normalization;
    fnn_real *shift, *scale;               /* (inputs), or NULL: as they are */
    int target_count;                      /* of rescale: outputs, 0 without it */
    fnn_real *target_shift, *target_scale; /* (target_count): y = x scale + shift */
    fnn_loss_kind loss;
    fnn_real label_smoothing, loss_epsilon;
    int loss_is_own;                 /* the user's in place of these: */
    fnn_loss_function loss_function; /* NULL, where a file's model has lost its own */
    void *loss_user;
    size_t parameter_count;
    size_t statistics_count;
    fnn_real *parameters;
    fnn_real *statistics;        /* such as running means and variances */
    fnn_real *gradients, *state; /* state: what the optimiser remembers, up to two per parameter */
    int state_kind;              /* fnn_optimizer_kind of state, or -1 */
    uint64_t steps;              /* updates since the state was new, */
    uint64_t updates;            /* and since the weights were: dropout draws by it */
    uint64_t passes;             /* over data, of all fits since the weights were new */
    fnni_progress progress;      /* of the last fit, */
    int fitting;                 /* which is under way: its callback may call anything */
    fnni_run run;                /* of training */
    fnni_truth truth;            /* of its batch */
    fnn_dataset run_data;        /* what it was taken from; the arrays are the user's */
    int run_ready;               /* 1 after forward, 2 after loss, 3 after backward */
    fnni_texts class_names, feature_names, notes; /* notes: key, value, key, value */
};

/* The arrays that a model owns, beside those of its run, each NULL while there is none: X(type,
 * field, how many a copy takes of it). A row here is all that it takes to free and copy one. */
/* clang-format off */
#define FNNI_MODEL_ARRAYS(X) \
    X(fnni_layer, layers,   (size_t)model->layer_count) \
    X(int, stages,          (size_t)model->layer_count + 3) \
    X(fnn_real, shift,      (size_t)model->inputs) \
    X(fnn_real, scale,      (size_t)model->inputs) \
    X(fnn_real, target_shift, (size_t)model->target_count) \
    X(fnn_real, target_scale, (size_t)model->target_count) \
    X(fnn_real, parameters, model->parameter_count) \
    X(fnn_real, statistics, model->statistics_count) \
    X(fnn_real, gradients,  0) /* they belong to a batch */ \
    X(fnn_real, state,      fnni_state_count(model, model->state_kind)) \
    X(fnn_real, progress.average, fnni_trained_count(model)) \
    X(fnn_real, progress.best,    fnni_trained_count(model)) \
    X(double, progress.history,   FNNI_EPOCH_FIGURES * model->progress.rows) \
    X(char, class_names.text, model->class_names.bytes) \
    X(char, feature_names.text, model->feature_names.bytes) \
    X(char, notes.text,     model->notes.bytes)
/* clang-format on */

/* What an optimiser of that kind, -1 for none, remembers of the model. */
static size_t fnni_state_count(const fnn_model *model, int kind)
{
    return kind < 0 ? 0 : fnni_times(model->parameter_count, (size_t)fnni_optimizers[kind].states);
}

/* Parameters, then the statistics of batch norms, which belong to them: all that training moves. */
static size_t fnni_trained_count(const fnn_model *model)
{
    return model->parameter_count + model->statistics_count;
}

static const fnni_layer *fnni_layer_at(const fnni_run *run, int l)
{
    return run->model->layers + l;
}

static int fnni_inputs(const fnni_run *run, int l)
{
    return l < 0 ? run->model->inputs : run->model->layers[l].outputs;
}

/* Row `row` of layer l's output, and those behind it; l = -1 is the batch itself. Only who goes
 * image by image meets transient outputs; to others workspace is NULL. */
static fnn_real *fnni_y(const fnni_run *run, int l, int row, fnn_real *workspace)
{
    const size_t first = (size_t)row * (size_t)fnni_inputs(run, l);
    const fnni_place *place;
    if (l < 0) return run->activations + first;
    place = &fnni_layer_at(run, l)->y[run->inference];
    if (place->transient) return workspace + run->scratch + place->at;
    return run->activations + place->at * (size_t)run->capacity + first;
}

/* Gradient of the loss by the output of layer l, likewise; by the batch itself where that is
 * wanted. */
static fnn_real *fnni_d(const fnni_run *run, int l, int row, fnn_real *workspace)
{
    const fnni_place *place;
    if (l < 0) return run->input_gradient + (size_t)row * (size_t)run->model->inputs;
    place = &fnni_layer_at(run, l)->d;
    if (place->transient) return workspace + run->scratch + place->at;
    return run->deltas + place->at * (size_t)run->capacity +
           (size_t)row * (size_t)fnni_layer_at(run, l)->outputs;
}

/* What layer l keeps of this batch, and its bytes of a row and those behind it (NULL in
 * inference). */
static fnn_real *fnni_own(const fnni_run *run, int l)
{
    return run->own + run->plans[l].own;
}

static uint8_t *fnni_record(const fnni_run *run, int l, int row)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    if (!run->records) return NULL;
    return run->records + layer->record_offset * (size_t)run->capacity +
           (size_t)row * layer->record;
}

/* Whether it has parameters of its own, which a gradient is worked out for. */
static int fnni_has_parameters(const fnni_layer *layer)
{
    return layer->type->gradient != NULL;
}

/* Whether training changes them. */
static int fnni_is_trained(const fnni_layer *layer)
{
    return fnni_has_parameters(layer) && !layer->frozen;
}

/* The first layer with parameters, frozen or not: training wants no gradient below it. */
static int fnni_lowest(const fnn_model *model)
{
    int l = 0;
    while (l < model->layer_count - 1 && !fnni_has_parameters(model->layers + l)) l++;
    return l;
}

/* The lowest layer that this way back has business with: below it no gradient is wanted. */
static int fnni_bottom(const fnni_run *run)
{
    const int last = run->model->layer_count - 1;
    int l = fnni_lowest(run->model);
    if (run->input_gradient) return -1;
    while (l < last && !fnni_is_trained(fnni_layer_at(run, l))) l++;
    return l;
}

/* Call it when the gradient of layer l's output has come back from layer l + 1: it adds the
 * gradients that arrive through additions. */
static void fnni_join_branches(const fnni_run *run, int l, int from, int to, fnn_real *workspace)
{
    int add;
    if (l >= 0 && !fnni_layer_at(run, l)->added) return;
    for (add = l + 1; add < run->model->layer_count; add++)
        if (fnni_layer_at(run, add)->from == l)
            run->kernels->add_scaled((ptrdiff_t)(to - from) * fnni_inputs(run, l), 1,
                                     fnni_d(run, add, from, workspace),
                                     fnni_d(run, l, from, workspace));
}

/* Numbers of a sample's output; what ends at the input (fnni_prefix_make) has no layers. */
static int fnni_outputs(const fnn_model *model)
{
    return model->layer_count > 0 ? model->layers[model->layer_count - 1].outputs : model->inputs;
}

/* The last layer that computes something: others may follow, which share its memory. */
static int fnni_end(const fnn_model *model)
{
    int l = model->layer_count - 1;
    while (l > 0 && (model->layers[l].type->flags & FNNI_SHARES_INPUT)) l--;
    return l;
}

static const fnni_loss_type *fnni_loss_of(const fnn_model *model)
{
    return model->loss_is_own ? &fnni_loss_function_type : &fnni_losses[model->loss];
}

/* Whether it learns normalised targets, and gives outputs in their own unit. */
static int fnni_rescales(const fnn_model *model)
{
    const int n = model->layer_count;
    return n > 0 && (model->layers[n - 1].type->flags & FNNI_OF_TARGETS) != 0;
}

/* The layer whose output the loss takes: the last, or where that is an activation which the loss
 * absorbs, or the rescaling of outputs, the one before it (which may be the model's input, -1). */
static int fnni_loss_layer(const fnn_model *model)
{
    const int end = fnni_end(model);
    if (end < 0) return -1; /* of a model that ends at its input */
    if (fnni_rescales(model)) return model->layer_count - 2;
    return fnni_loss_absorbs(fnni_loss_of(model), model->layers[end].activation)
               ? end - 1
               : model->layer_count - 1;
}

/* ---- how calls fail ---- */

/* Leaves a message in the model and returns code. A builder's failure breaks a model that is being
 * built: it lacks what the caller thinks it has, so that all later calls must fail. Others pass
 * with their call, as do those of a builder that comes too late: the model is as it was. */
FNNI_FORMAT(3, 4)
FNNI_COLD static fnn_result fnni_model_fail(fnn_model *model, fnn_result code, const char *format,
                                            ...)
{
    va_list list;
    va_start(list, format);
    fnni_fail_list(&model->error, code, format, list);
    va_end(list);
    return code;
}

FNNI_FORMAT(3, 4)
FNNI_COLD static fnn_result fnni_builder_fail(fnn_model *model, fnn_result code, const char *format,
                                              ...)
{
    va_list list;
    va_start(list, format);
    fnni_fail_list(&model->error, code, format, list);
    va_end(list);
    model->broken = !model->sealed;
    return code;
}

/* A builder's way out: the new layer, which its caller has not counted yet, is refused. */
FNNI_FORMAT(2, 3)
FNNI_COLD static int fnni_refuse(fnn_model *model, const char *format, ...)
{
    fnn_error *e = &model->error;
    const int length = snprintf(e->message, sizeof e->message, "layer %d %s: ", model->layer_count,
                                model->layers[model->layer_count].type->name);
    va_list list;
    va_start(list, format);
    vsnprintf(e->message + length, sizeof e->message - (size_t)length, format, list);
    va_end(list);
    e->code = FNN_ERROR_ARGUMENT;
    model->broken = 1;
    return -1;
}

/* Begins a call on a model: what a broken or missing one returns, else FNN_OK. */
static fnn_result fnni_begin(fnn_model *model)
{
    if (!model) return FNN_ERROR_MEMORY;
    if (model->broken) return model->error.code;
    memset(&model->error, 0, sizeof model->error);
    return FNN_OK;
}

/* As fnni_begin, for what would pull away from under a fit what it works on: its callback must not
 * do that to its model. */
static fnn_result fnni_begin_outside_fit(fnn_model *model, const char *what)
{
    const fnn_result result = fnni_begin(model);
    if (result || !model->fitting) return result;
    return fnni_model_fail(model, FNN_ERROR_STATE,
                           "%s: expected a model at rest, found one within its fit", what);
}

FNN_DEF const fnn_error *fnn_model_error(const fnn_model *model)
{
    static const fnn_error no_model = {FNN_ERROR_MEMORY, "no memory for a model"};
    return model ? &model->error : &no_model;
}

/* ---- how a builder begins ---- */

static int fnni_shape_size(fnni_shape s)
{
    return s.height * s.width * s.channels;
}

/* Room for one more layer; 0 when memory is out. */
static int fnni_layers_grow(fnn_model *model)
{
    const int capacity = model->layer_capacity ? 2 * model->layer_capacity : 16;
    fnni_layer *grown;
    if (model->layer_count < model->layer_capacity) return 1;
    grown =
        (fnni_layer *)fnni_allocate(&model->context.allocator, (size_t)capacity * sizeof *grown);
    if (!grown) return 0;
    if (model->layer_count)
        memcpy(grown, model->layers, (size_t)model->layer_count * sizeof *grown);
    fnni_release(&model->context.allocator, model->layers);
    model->layers = grown;
    model->layer_capacity = capacity;
    return 1;
}

/* A new last layer with its input's shape, or NULL after an error. */
static fnni_layer *fnni_layer_add(fnn_model *model, const fnni_layer_type *type)
{
    fnni_layer *layer;
    if (fnni_begin(model)) return NULL;
    if (model->sealed) {
        fnni_builder_fail(model, FNN_ERROR_STATE,
                          "layer %d %s: the model is in use and takes no more layers",
                          model->layer_count, type->name);
        return NULL;
    }
    if (!fnni_layers_grow(model)) {
        fnni_builder_fail(model, FNN_ERROR_MEMORY, "layer %d: no memory", model->layer_count);
        return NULL;
    }
    layer = model->layers + model->layer_count;
    memset(layer, 0, sizeof *layer);
    layer->type = type;
    layer->shape = model->layer_count ? layer[-1].shape : model->input;
    layer->inputs = layer->outputs = fnni_shape_size(layer->shape);
    layer->from = FNNI_NO_LAYER;
    layer->rate_factor = 1;
    layer->weights_start = model->weights_start;
    layer->biases_start = model->biases_start;
    return layer;
}

/* Weights of so many rows of `units`, and a bias a unit unless there is to be none: sizes, and what
 * they cost and see. */
static void fnni_layer_weigh(fnni_layer *layer, int rows, int units, int no_bias, double fan_in,
                             double fan_out, double work)
{
    layer->rows = rows;
    layer->weights = (size_t)rows * (size_t)units;
    layer->biases = no_bias ? 0 : (size_t)units;
    layer->fan_in = fan_in;
    layer->fan_out = fan_out;
    layer->work = work;
}

/* The biases of layer l, or NULL. */
static const fnn_real *fnni_biases(const fnni_run *run, int l)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    return layer->biases ? run->model->parameters + layer->offset + layer->weights : NULL;
}

/* Ends the words of a layer that may lack a bias. */
static void fnni_write_bias(fnni_writer *w, const fnni_layer *layer)
{
    if (!layer->biases) fnni_emit_text(w, " no_bias");
}

/* 1 or 0 where the words end at word number `from` with or without that; -1 where they do not. */
static int fnni_read_bias(const fnni_words *w, int from)
{
    if (w->count == from + 1 && !strcmp(w->word[from], "no_bias")) return 1;
    return w->count == from ? 0 : -1;
}

/* ---- tensors by name ---- */

/* Describes the tensor `part` of layer l (-1: of the input), which begins at (*array)[offset], of
 * an array of the model; returns 1. */
static int fnni_tensor_make(fnni_tensor *t, const fnn_model *model, int l, const char *part,
                            fnn_real *const *array, size_t offset, int rank, const size_t *shape)
{
    int i;
    memset(t, 0, sizeof *t);
    if (l < 0) snprintf(t->name, sizeof t->name, "input.%s", part);
    else if (l == model->layer_count) snprintf(t->name, sizeof t->name, "training.%s", part);
    else snprintf(t->name, sizeof t->name, "%d.%s.%s", l, model->layers[l].type->name, part);
    t->part = part;
    t->offset = offset;
    t->trained = array == &model->parameters;
    t->rank = rank;
    t->count = 1;
    for (i = 0; i < rank; i++) {
        t->shape[i] = shape[i];
        t->count = fnni_times(t->count, shape[i]);
    }
    t->values = FNNI_AT(*array, offset);
    return 1;
}

/* Weights, and biases, if any, of the shape's last dimension. */
static int fnni_weights_at(const fnn_model *model, int l, int which, fnni_tensor *t, int rank,
                           const size_t *shape)
{
    const fnni_layer *layer = model->layers + l;
    if (which == 0)
        return fnni_tensor_make(t, model, l, "weight", &model->parameters, layer->offset, rank,
                                shape);
    return which == 1 && layer->biases &&
           fnni_tensor_make(t, model, l, "bias", &model->parameters, layer->offset + layer->weights,
                            1, shape + rank - 1);
}

/* ============================================================================
 * >>layers  a page a layer: formula, passes, file, type, builder
 * ============================================================================
 * Called by >>step and >>inference through a layer's type (fnni_layer_type in >>parts), with a run
 * (the batch's tensors) and a range of rows, or of weights; a thread works on a range of its own.
 * A layer reads its input at fnni_y(run, l - 1), writes its output at fnni_y(run, l); backward
 * turns the gradient at fnni_d(run, l) into the one at fnni_d(run, l - 1). Passes do not allocate;
 * the public calls on a page take workspace.
 * To add a layer: a page, which ends with its fnni_layer_type and its builder, and a row in
 * FNNI_LAYER_LIST behind the pages; then a row in the gradient check (tests/test_gradients.c). */

/* ---- activation: y = f(x);  dx = dy f'(x). Softmax over each row: y = exp(x) / sum exp(x);
 * dx = y (dy - sum dy y). ---- */

static void fnni_activate_forward(const fnni_run *run, int l, int from, int to, fnn_real *workspace)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    const fnn_real *x = fnni_y(run, l - 1, from, workspace);
    fnn_real *y = fnni_y(run, l, from, workspace);
#define FNNI_ROW_FORWARD(name, word, a, traits) \
    case name: run->kernels->word(to - from, layer->outputs, x, y); return;
    switch ((int)layer->activation) {
        FNN_ACTIVATION_LIST(FNNI_LEAVE_OUT, FNNI_ROW_FORWARD)
    }
    run->kernels->activation(layer->activation, layer->parameter,
                             (ptrdiff_t)(to - from) * layer->outputs, x, y);
}

static void fnni_activate_backward(const fnni_run *run, int l, int from, int to, int to_input,
                                   fnn_real *workspace)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    const fnn_real *y = fnni_y(run, l, from, workspace), *dy = fnni_d(run, l, from, workspace);
    fnn_real *dx;
    if (!to_input) return;
    dx = fnni_d(run, l - 1, from, workspace);
#define FNNI_ROW_BACKWARD(name, word, a, traits) \
    case name: fnni_##word##_backward(to - from, layer->outputs, y, dy, dx); return;
    switch ((int)layer->activation) {
        FNN_ACTIVATION_LIST(FNNI_LEAVE_OUT, FNNI_ROW_BACKWARD)
    }
    run->kernels->activation_backward(layer->activation, layer->parameter,
                                      (ptrdiff_t)(to - from) * layer->outputs,
                                      fnni_y(run, l - 1, from, workspace), y, dy, dx);
}

static void fnni_activate_write(fnni_writer *w, const fnni_layer *layer)
{
    fnni_write_activation(w, layer->activation, layer->parameter);
}

static void fnni_activate_read(fnn_model *model, const fnni_words *w)
{
    fnn_activation activation;
    fnn_real parameter;
    if (w->count == 3 && fnni_word_activation(w->word[1], &activation) &&
        fnni_word_real(w->word[2], &parameter))
        fnn_activate(model, activation, parameter);
}

/* clang-format off */
static const fnni_layer_type fnni_activate_type = {
    "activation", FNNI_ACTIVATES,
    /* to_words, from_words, tensor */ fnni_activate_write, fnni_activate_read, NULL,
    /* fuse, start, plan, prepare */ NULL, NULL, NULL, NULL,
    /* the passes */ fnni_activate_forward, fnni_activate_backward, NULL,
    /* measure, sum, update */ NULL, NULL, NULL};
/* clang-format on */

FNNI_COLD FNN_DEF int fnn_activate(fnn_model *model, fnn_activation activation, fnn_real parameter)
{
    fnni_layer *layer = fnni_layer_add(model, &fnni_activate_type);
    if (!layer) return -1;
    if (!fnni_is_activation(activation))
        return fnni_refuse(model, "expected an activation, found %d", (int)activation);
    if (!fnni_parameter_fits(activation, parameter))
        return fnni_refuse(model, "expected a parameter of at least 0, found %g",
                           (double)parameter);
    layer->activation = activation;
    layer->parameter = parameter;
    return model->layer_count++;
}

/* Ends the builder of a layer with an activation: what cannot be done in the layer's own backward
 * pass, which sees outputs alone and each by itself, becomes a layer behind it. */
static int fnni_layer_activate(fnn_model *model, fnni_layer *layer, fnn_activation activation)
{
    const int apart = fnni_activation_apart(activation);
    layer->activation = apart ? FNNI_AS_IT_IS : activation;
    layer->parameter = fnni_activations[activation].parameter;
    model->layer_count++;
    return apart ? fnn_activate(model, activation, fnni_activations[activation].parameter)
                 : model->layer_count - 1;
}

/* ---- dense: y = f(x W + b);  dz = dy f'(z);  dx = dz W^T;  dW = x^T dz;  db = sum of dz's rows.
 * Rumelhart, Hinton, Williams 1986, equations 4 to 9. Without a bias (layer->biases 0) b is 0 and
 * there is no db. ---- */

static void fnni_dense_product(const fnni_run *run, fnni_gemm *g, fnn_real *workspace)
{
    g->kernels = run->kernels;
    g->alpha = 1;
    g->workspace = workspace;
    fnni_gemm_plan(g);
    fnni_gemm_serial(g);
}

/* y (N,O) = x (N,I) W (I,O), for rows from..to-1. */
static void fnni_dense_forward_product(const fnni_run *run, int l, int from, int to, fnni_gemm *g)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    memset(g, 0, sizeof *g);
    g->m = to - from;
    g->n = g->ldb = g->ldc = layer->outputs;
    g->k = g->lda = layer->inputs;
    g->b = run->model->parameters + layer->offset;
    if (!run->activations) return;
    g->a = fnni_y(run, l - 1, from, NULL);
    g->c = fnni_y(run, l, from, NULL);
}

static void fnni_dense_forward(const fnni_run *run, int l, int from, int to, fnn_real *workspace)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    fnni_gemm g;
    fnni_dense_forward_product(run, l, from, to, &g);
    fnni_dense_product(run, &g, workspace);
    run->kernels->bias_activation(layer->activation, layer->parameter, to - from, layer->outputs,
                                  fnni_biases(run, l), g.c, g.ldc);
}

/* dx (N,I) = dz (N,O) W^T, for rows from..to-1, W^T packed. */
static void fnni_dense_backward_product(const fnni_run *run, int l, int from, int to,
                                        const fnn_real *packed, fnni_gemm *g)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    memset(g, 0, sizeof *g);
    g->b_packed = 1;
    g->m = to - from;
    g->n = g->ldc = layer->inputs;
    g->k = g->lda = layer->outputs;
    g->b = packed;
    if (!run->deltas) return;
    g->a = fnni_d(run, l, from, NULL);
    g->c = fnni_d(run, l - 1, from, NULL);
}

/* Packs W^T, which every group of rows on the way back wants. */
static void fnni_dense_prepare(const fnni_run *run, int l, int backward, fnn_real *workspace)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    fnni_gemm g;
    if (!backward) return;
    memset(&g, 0, sizeof g);
    g.kernels = run->kernels;
    g.transpose_b = 1;
    g.n = layer->inputs;
    g.k = g.ldb = layer->outputs;
    g.b = run->model->parameters + layer->offset;
    fnni_gemm_pack_b(&g, 0, g.n, workspace + run->plans[l].packed[1]);
}

static void fnni_dense_backward(const fnni_run *run, int l, int from, int to, int to_input,
                                fnn_real *workspace)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    fnn_real *d = fnni_d(run, l, from, NULL);
    fnni_gemm g;
    run->kernels->activation_backward(layer->activation, layer->parameter,
                                      (ptrdiff_t)(to - from) * layer->outputs, NULL,
                                      fnni_y(run, l, from, NULL), d, d);
    if (!to_input) return;
    fnni_dense_backward_product(run, l, from, to, workspace + run->plans[l].packed[1], &g);
    fnni_dense_product(run, &g, workspace);
}

/* dW (I,O) = x^T dz, for rows from..to-1 of W. */
static void fnni_dense_gradient_product(const fnni_run *run, int l, int from, int to, fnn_real *dw,
                                        fnni_gemm *g)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    memset(g, 0, sizeof *g);
    g->transpose_a = 1;
    g->m = to - from;
    g->n = g->ldb = g->ldc = layer->outputs;
    g->k = run->rows;
    g->lda = layer->inputs;
    g->c = dw;
    if (!run->deltas) return;
    g->a = fnni_y(run, l - 1, 0, NULL) + from;
    g->b = fnni_d(run, l, 0, NULL);
}

static void fnni_dense_gradient(const fnni_run *run, int l, int from, int to, fnn_real *dw,
                                fnn_real *db, fnn_real *workspace)
{
    fnni_gemm g;
    fnni_dense_gradient_product(run, l, from, to, dw, &g);
    fnni_dense_product(run, &g, workspace);
    if (db) run->kernels->column_sums(run->rows, g.n, g.b, g.n, db);
}

/* Packed W^T, and workspace for the largest product on at most `rows` rows. */
static void fnni_dense_plan(const fnni_run *run, int l, fnni_plan *plan, fnni_needs *needs)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    fnni_run bare = *run; /* without arrays: sizes alone */
    fnni_gemm g[3];
    int i;
    (void)plan;
    needs->packed[1] = fnni_gemm_packed_size(run->kernels, layer->outputs, layer->inputs);
    bare.activations = bare.deltas = NULL;
    fnni_dense_forward_product(&bare, l, 0, needs->rows, g);
    fnni_dense_backward_product(&bare, l, 0, needs->rows, NULL, g + 1);
    fnni_dense_gradient_product(&bare, l, 0, layer->inputs, NULL, g + 2);
    g[2].k = needs->rows;
    for (i = 0; i < (run->inference ? 1 : 3); i++) {
        g[i].kernels = run->kernels;
        needs->product = fnni_larger(needs->product, fnni_gemm_bound(g + i));
    }
}

static void fnni_dense_write(fnni_writer *w, const fnni_layer *layer)
{
    fnni_emit_text(w, " %d", layer->outputs);
    fnni_write_activation(w, layer->activation, layer->parameter);
    fnni_write_bias(w, layer);
}

static void fnni_dense_read(fnn_model *model, const fnni_words *w)
{
    fnn_dense_config c = fnn_dense_config_init();
    fnn_real parameter;
    int l;
    c.no_bias = fnni_read_bias(w, 4);
    if (c.no_bias < 0 || !fnni_word_int(w->word[1], &c.units) ||
        !fnni_read_activation(w->word + 2, &c.activation, &parameter))
        return;
    l = fnn_dense_with(model, &c);
    if (l >= 0) model->layers[l].parameter = parameter;
}

static int fnni_dense_tensor(const fnn_model *model, int l, int which, fnni_tensor *t)
{
    size_t shape[2];
    shape[0] = (size_t)model->layers[l].inputs;
    shape[1] = (size_t)model->layers[l].outputs;
    return fnni_weights_at(model, l, which, t, 2, shape);
}

/* clang-format off */
static const fnni_layer_type fnni_dense_type = {
    "dense", FNNI_OF_ROWS | FNNI_ACTIVATES,
    /* to_words, from_words, tensor */ fnni_dense_write, fnni_dense_read, fnni_dense_tensor,
    /* fuse, start, plan, prepare */ NULL, NULL, fnni_dense_plan, fnni_dense_prepare,
    /* the passes */ fnni_dense_forward, fnni_dense_backward, fnni_dense_gradient,
    /* measure, sum, update */ NULL, NULL, NULL};
/* clang-format on */

FNN_DEF fnn_dense_config fnn_dense_config_init(void)
{
    fnn_dense_config config;
    memset(&config, 0, sizeof config);
    config.activation = FNN_LINEAR;
    return config;
}

FNNI_COLD FNN_DEF int fnn_dense_with(fnn_model *model, const fnn_dense_config *config)
{
    const fnn_dense_config *c = config;
    fnni_layer *layer = fnni_layer_add(model, &fnni_dense_type);
    if (!layer) return -1;
    if (!c) return fnni_refuse(model, "expected a configuration, found NULL");
    if (c->units < 1 || c->units > FNNI_LARGEST_LAYER / layer->inputs ||
        !fnni_is_activation(c->activation))
        return fnni_refuse(
            model, "expected 1 to %d units and an activation, found %d units, activation %d",
            FNNI_LARGEST_LAYER / layer->inputs, c->units, (int)c->activation);
    layer->shape.height = layer->shape.width = 1;
    layer->shape.channels = layer->outputs = c->units;
    fnni_layer_weigh(layer, layer->inputs, c->units, c->no_bias, layer->inputs, c->units,
                     (double)layer->inputs * c->units);
    return fnni_layer_activate(model, layer, c->activation);
}

FNNI_COLD FNN_DEF int fnn_dense(fnn_model *model, int units, fnn_activation activation)
{
    fnn_dense_config config = fnn_dense_config_init();
    config.units = units;
    config.activation = activation;
    return fnn_dense_with(model, &config);
}

/* ---- dropout: y = x m / (1 - rate), m drawn per element and step;  dx = dy m / (1 - rate).
 * Srivastava et al. 2014, inverted so that inference does nothing. ---- */

static void fnni_dropout_apply(const fnni_run *run, int l, int from, int to, const fnn_real *x,
                               fnn_real *y)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    const size_t first = (size_t)from * (size_t)layer->outputs;
    const size_t count = (size_t)(to - from) * (size_t)layer->outputs;
    if (run->training)
        run->kernels->dropout((ptrdiff_t)count,
                              fnni_random(run->model->seed, (uint64_t)l, run->step), first,
                              layer->parameter, x, y);
    else memcpy(y, x, count * sizeof *y);
}

static void fnni_dropout_forward(const fnni_run *run, int l, int from, int to, fnn_real *workspace)
{
    fnni_dropout_apply(run, l, from, to, fnni_y(run, l - 1, from, workspace),
                       fnni_y(run, l, from, workspace));
}

static void fnni_dropout_backward(const fnni_run *run, int l, int from, int to, int to_input,
                                  fnn_real *workspace)
{
    if (to_input)
        fnni_dropout_apply(run, l, from, to, fnni_d(run, l, from, workspace),
                           fnni_d(run, l - 1, from, workspace));
}

/* Both dropouts have a rate, and nothing else. */
static int fnni_dropout_make(fnn_model *model, const fnni_layer_type *type, fnn_real rate)
{
    fnni_layer *layer = fnni_layer_add(model, type);
    if (!layer) return -1;
    if (!(rate >= 0 && rate < 1))
        return fnni_refuse(model, "expected a rate in [0, 1), found %g", (double)rate);
    layer->parameter = rate;
    return model->layer_count++;
}

static void fnni_dropout_write(fnni_writer *w, const fnni_layer *layer)
{
    fnni_emit_word(w, layer->parameter);
}

static void fnni_dropout_read(fnn_model *model, const fnni_words *w)
{
    fnn_real rate;
    if (w->count == 2 && fnni_word_real(w->word[1], &rate)) fnn_dropout(model, rate);
}

/* clang-format off */
static const fnni_layer_type fnni_dropout_type = {
    "dropout", FNNI_RANDOM,
    /* to_words, from_words, tensor */ fnni_dropout_write, fnni_dropout_read, NULL,
    /* fuse, start, plan, prepare */ NULL, NULL, NULL, NULL,
    /* the passes */ fnni_dropout_forward, fnni_dropout_backward, NULL,
    /* measure, sum, update */ NULL, NULL, NULL};
/* clang-format on */

FNNI_COLD FNN_DEF int fnn_dropout(fnn_model *model, fnn_real rate)
{
    return fnni_dropout_make(model, &fnni_dropout_type, rate);
}

/* ---- spatial dropout: whole channels of a sample are kept, over 1 - rate, or zero.
 * Tompson et al. 2015. ---- */

static ptrdiff_t fnni_area_of(const fnni_layer *layer)
{
    return (ptrdiff_t)layer->shape.height * layer->shape.width;
}

static void fnni_spatial_dropout_apply(const fnni_run *run, int l, int row, const fnn_real *x,
                                       fnn_real *y, fnn_real *mask)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    const int n = layer->shape.channels;
    ptrdiff_t i;
    int j;
    run->kernels->fill(n, 1, mask);
    run->kernels->fill(n, 0, mask + n);
    if (run->training)
        run->kernels->dropout(n, fnni_random(run->model->seed, (uint64_t)l, run->step),
                              (uint64_t)row * (uint64_t)n, layer->parameter, mask, mask);
    run->kernels->scale_shift(fnni_area_of(layer), n, x, mask, mask + n, y);
    for (j = 0; j < n; j++) /* infinity times zero is not a number */
        for (i = 0; mask[j] == 0 && i < fnni_area_of(layer); i++) y[i * n + j] = 0;
}

static void fnni_spatial_dropout_forward(const fnni_run *run, int l, int from, int to,
                                         fnn_real *workspace)
{
    int i;
    for (i = from; i < to; i++)
        fnni_spatial_dropout_apply(run, l, i, fnni_y(run, l - 1, i, workspace),
                                   fnni_y(run, l, i, workspace), workspace + run->image);
}

static void fnni_spatial_dropout_backward(const fnni_run *run, int l, int from, int to,
                                          int to_input, fnn_real *workspace)
{
    int i;
    for (i = from; i < to && to_input; i++)
        fnni_spatial_dropout_apply(run, l, i, fnni_d(run, l, i, workspace),
                                   fnni_d(run, l - 1, i, workspace), workspace + run->image);
}

/* Where the mask is drawn, and zeros to add. */
static void fnni_spatial_dropout_plan(const fnni_run *run, int l, fnni_plan *plan,
                                      fnni_needs *needs)
{
    (void)plan;
    needs->image = fnni_larger(needs->image, 2 * (size_t)fnni_layer_at(run, l)->shape.channels);
}

static void fnni_spatial_dropout_read(fnn_model *model, const fnni_words *w)
{
    fnn_real rate;
    if (w->count == 2 && fnni_word_real(w->word[1], &rate)) fnn_spatial_dropout(model, rate);
}

/* clang-format off */
static const fnni_layer_type fnni_spatial_dropout_type = {
    "spatial_dropout", FNNI_RANDOM,
    /* to_words, from_words, tensor */ fnni_dropout_write, fnni_spatial_dropout_read, NULL,
    /* fuse, start, plan, prepare */ NULL, NULL, fnni_spatial_dropout_plan, NULL,
    /* the passes */ fnni_spatial_dropout_forward, fnni_spatial_dropout_backward, NULL,
    /* measure, sum, update */ NULL, NULL, NULL};
/* clang-format on */

FNNI_COLD FNN_DEF int fnn_spatial_dropout(fnn_model *model, fnn_real rate)
{
    return fnni_dropout_make(model, &fnni_spatial_dropout_type, rate);
}

/* ---- flatten: the same numbers under another shape; shares its input's memory, so that no pass
 * has anything to do, but on the model's input: the gradient by that is the caller's ---- */

static void fnni_flatten_backward(const fnni_run *run, int l, int from, int to, int to_input,
                                  fnn_real *workspace)
{
    const fnn_real *d = fnni_d(run, l, from, workspace);
    fnn_real *dx = to_input ? fnni_d(run, l - 1, from, workspace) : NULL;
    if (dx && dx != d)
        memcpy(dx, d, (size_t)(to - from) * (size_t)fnni_inputs(run, l) * sizeof *dx);
}

static void fnni_flatten_read(fnn_model *model, const fnni_words *w)
{
    if (w->count == 1) fnn_flatten(model);
}

/* clang-format off */
static const fnni_layer_type fnni_flatten_type = {
    "flatten", FNNI_SHARES_INPUT,
    /* to_words, from_words, tensor */ NULL, fnni_flatten_read, NULL,
    /* fuse, start, plan, prepare */ NULL, NULL, NULL, NULL,
    /* the passes */ NULL, fnni_flatten_backward, NULL,
    /* measure, sum, update */ NULL, NULL, NULL};
/* clang-format on */

FNNI_COLD FNN_DEF int fnn_flatten(fnn_model *model)
{
    fnni_layer *layer = fnni_layer_add(model, &fnni_flatten_type);
    if (!layer) return -1;
    layer->shape.height = layer->shape.width = 1;
    layer->shape.channels = layer->outputs;
    return model->layer_count++;
}

/* ---- what the layers with a window share ---- */

/* Refuses pads that do not go with the padding, or with the kernel; 0 then. */
static int fnni_layer_pads(fnn_model *model, int height, int width, fnn_padding padding,
                           int pad_height, int pad_width)
{
    const int given = fnni_padding_is_given(padding);
    const int most_height = given && height > 0 ? height - 1 : 0;
    const int most_width = given && width > 0 ? width - 1 : 0;
    if (pad_height >= 0 && pad_height <= most_height && pad_width >= 0 && pad_width <= most_width)
        return 1;
    fnni_refuse(model, "expected pads of at most %d x %d under %s padding, found %d x %d",
                most_height, most_width, given ? "explicit" : "other than explicit", pad_height,
                pad_width);
    return 0;
}

/* The window of a new layer over its input, and the shape that this makes; 0 after an error. */
static int fnni_layer_window(fnn_model *model, fnni_layer *layer, int height, int width,
                             int stride_height, int stride_width, fnn_padding padding,
                             int pad_height, int pad_width)
{
    fnn_window *w = &layer->window;
    layer->padding = padding;
    if (!fnni_layer_pads(model, height, width, padding, pad_height, pad_width)) return 0;
    if (height > FNNI_LARGEST_LAYER || width > FNNI_LARGEST_LAYER ||
        fnni_window_make(layer->shape.height, layer->shape.width, layer->shape.channels, height,
                         width, stride_height, stride_width, padding, pad_height, pad_width, w)) {
        fnni_refuse(model,
                    "window %d x %d, stride %d x %d does not fit an input of %d x %d x %d, padded "
                    "by %d x %d",
                    height, width, stride_height, stride_width, layer->shape.height,
                    layer->shape.width, layer->shape.channels, pad_height, pad_width);
        return 0;
    }
    layer->shape.height = w->out_height;
    layer->shape.width = w->out_width;
    return 1;
}

/* Kernel, stride and padding; explicit padding is followed by its two pads. */
static void fnni_write_window(fnni_writer *w, const fnni_layer *layer)
{
    fnni_emit_text(w, " %d %d %d %d %s", layer->window.kernel_height, layer->window.kernel_width,
                   layer->window.stride_height, layer->window.stride_width,
                   fnni_padding_names[layer->padding]);
    if (fnni_padding_is_given(layer->padding))
        fnni_emit_text(w, " %d %d", layer->window.pad_top, layer->window.pad_left);
}

/* The same from word number `from` on: kernel, stride and pads in sizes. Returns the number of the
 * word behind them, or 0 where they do not fit. */
static int fnni_read_window(const fnni_words *w, int from, int sizes[6], fnn_padding *padding)
{
    const int found = w->count > from + 4
                          ? fnni_word_in(w->word[from + 4], fnni_padding_names, FNN_PADDING_COUNT)
                          : -1;
    const int end = from + (found >= 0 && fnni_padding_is_given((fnn_padding)found) ? 7 : 5);
    int i, right = found >= 0 && w->count >= end;
    *padding = (fnn_padding)(right ? found : 0);
    sizes[4] = sizes[5] = 0;
    for (i = 0; right && i < 4; i++) right = fnni_word_int(w->word[from + i], sizes + i);
    for (i = from + 5; right && i < end; i++)
        right = fnni_word_int(w->word[i], sizes + i - from - 1);
    return right ? end : 0;
}

/* ---- conv2d: y = f(x * W + b), W (kernel height, kernel width, C, filters);  dz = dy f'(z);
 * db = sum of dz;  dW and dx: see >>conv. LeCun et al. 1998. ----
 * A max-pool directly behind it, on windows that do not overlap, is fused with it: each band of
 * output rows is pooled while it is in the second cache, before the activation, which does not
 * change what is largest; the output itself is never stored. */

static int fnni_layer_band(const fnni_layer *layer)
{
    return fnni_conv_band_rows(&layer->window, layer->shape.channels);
}

static void fnni_conv_prepare(const fnni_run *run, int l, int backward, fnn_real *workspace)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    const fnn_real *weights = run->model->parameters + layer->offset;
    const fnni_plan *plan = run->plans + l;
    if (!backward)
        fnni_conv_pack(&plan->conv, weights, fnni_biases(run, l), workspace + plan->packed[0]);
    else
        fnni_conv_backward_pack(run->kernels, &layer->window, layer->shape.channels, weights,
                                workspace + plan->packed[1]);
}

static void fnni_conv_forward(const fnni_run *run, int l, int from, int to, fnn_real *workspace)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    const fnni_conv *conv = &run->plans[l].conv;
    int i;
    if (layer->absorbed) return; /* the pool does it */
    for (i = from; i < to; i++) {
        const fnni_conv_input in =
            fnni_conv_image(conv, fnni_y(run, l - 1, i, workspace), workspace + run->image);
        fnni_conv_forward_image(conv, fnni_layer_band(layer), &in,
                                workspace + run->plans[l].packed[0], layer->activation,
                                layer->parameter, fnni_y(run, l, i, workspace));
    }
}

/* Which of the shares image i of a batch of n belongs to: share s has n s / shares and on. */
static int fnni_share_of(int i, int n)
{
    return (int)((((int64_t)i + 1) * fnni_share_count(n) - 1) / n);
}

static void fnni_conv_backward_layer(const fnni_run *run, int l, int from, int to, int to_input,
                                     fnn_real *workspace)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    const fnni_plan *plan = run->plans + l;
    fnn_real *image = workspace + run->image;
    int i;
    for (i = from; i < to; i++) {
        const int share = fnni_share_of(i, run->rows);
        const int first = (int)((int64_t)run->rows * share / fnni_share_count(run->rows));
        fnn_real *d = fnni_d(run, l, i, workspace);
        const fnni_conv_input in =
            fnni_conv_image(&plan->conv, fnni_y(run, l - 1, i, workspace), image);
        if (!layer->absorbed)
            run->kernels->activation_backward(layer->activation, layer->parameter, layer->outputs,
                                              NULL, fnni_y(run, l, i, workspace), d, d);
        if (!layer->frozen)
            fnni_conv_weights_image(&plan->conv, &in, d, i > first,
                                    fnni_own(run, l) +
                                        (size_t)share * fnni_conv_wide_size(&plan->conv));
        if (to_input)
            fnni_conv_backward_image(run->kernels, &layer->window, layer->shape.channels, d,
                                     workspace + plan->packed[1], fnni_d(run, l - 1, i, workspace),
                                     image);
    }
}

static void fnni_conv_gradient(const fnni_run *run, int l, int from, int to, fnn_real *dw,
                               fnn_real *db, fnn_real *workspace)
{
    const fnni_plan *plan = run->plans + l;
    const int shares = fnni_share_count(run->rows);
    (void)workspace;
    fnni_conv_fold(&plan->conv, fnni_own(run, l), shares, from, to, dw);
    if (db) fnni_conv_fold_biases(&plan->conv, fnni_own(run, l), shares, db);
}

/* Space in which an image is padded, and a band of rows pooled; packed weights; the shares'
 * sums. */
static void fnni_conv_plan(const fnni_run *run, int l, fnni_plan *plan, fnni_needs *needs)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    const int stride = layer->absorbed ? layer[1].window.stride_height : 1;
    const size_t row = (size_t)layer->window.out_width * (size_t)layer->shape.channels;
    const size_t rows = (size_t)fnni_layer_band(layer) + (size_t)stride;
    size_t forward, backward;
    plan->conv = fnni_conv_make(run->kernels, &layer->window, layer->shape.channels);
    needs->packed[0] = fnni_conv_packed_size(&plan->conv);
    forward = fnni_conv_image_size(&plan->conv);
    if (layer->absorbed) forward = fnni_plus(forward, fnni_times(row, rows));
    fnni_conv_backward_size(run->kernels, &layer->window, layer->shape.channels, &needs->packed[1],
                            &backward);
    needs->image = fnni_larger(needs->image, fnni_larger(forward, backward));
    needs->own = fnni_plus(needs->own, fnni_times(FNNI_SHARES, fnni_conv_wide_size(&plan->conv)));
}

static void fnni_conv2d_write(fnni_writer *w, const fnni_layer *layer)
{
    fnni_emit_text(w, " %d", layer->shape.channels);
    fnni_write_window(w, layer);
    fnni_write_activation(w, layer->activation, layer->parameter);
    fnni_write_bias(w, layer);
}

static void fnni_conv2d_read(fnn_model *model, const fnni_words *w)
{
    fnn_conv2d_config c = fnn_conv2d_config_init();
    fnn_real parameter;
    int sizes[6], l;
    const int end = fnni_read_window(w, 2, sizes, &c.padding);
    c.no_bias = end ? fnni_read_bias(w, end + 2) : -1;
    if (c.no_bias < 0 || !fnni_word_int(w->word[1], &c.filters) ||
        !fnni_read_activation(w->word + end, &c.activation, &parameter))
        return;
    c.kernel_height = sizes[0];
    c.kernel_width = sizes[1];
    c.stride_height = sizes[2];
    c.stride_width = sizes[3];
    c.pad_height = sizes[4];
    c.pad_width = sizes[5];
    l = fnn_conv2d_with(model, &c);
    if (l >= 0) model->layers[l].parameter = parameter;
}

static int fnni_conv2d_tensor(const fnn_model *model, int l, int which, fnni_tensor *t)
{
    const fnni_layer *layer = model->layers + l;
    size_t shape[4];
    shape[0] = (size_t)layer->window.kernel_height;
    shape[1] = (size_t)layer->window.kernel_width;
    shape[2] = (size_t)layer->window.channels;
    shape[3] = (size_t)layer->shape.channels;
    return fnni_weights_at(model, l, which, t, 4, shape);
}

/* clang-format off */
static const fnni_layer_type fnni_conv2d_type = {
    "conv2d", FNNI_OF_IMAGES | FNNI_BY_SHARES | FNNI_ACTIVATES | FNNI_POOLS_BANDS,
    /* to_words, from_words, tensor */ fnni_conv2d_write, fnni_conv2d_read, fnni_conv2d_tensor,
    /* fuse, start, plan, prepare */ NULL, NULL, fnni_conv_plan, fnni_conv_prepare,
    /* the passes */ fnni_conv_forward, fnni_conv_backward_layer, fnni_conv_gradient,
    /* measure, sum, update */ NULL, NULL, NULL};
/* clang-format on */

FNN_DEF fnn_conv2d_config fnn_conv2d_config_init(void)
{
    fnn_conv2d_config config;
    memset(&config, 0, sizeof config);
    config.kernel_height = config.kernel_width = 3;
    config.stride_height = config.stride_width = 1;
    config.padding = FNN_SAME;
    config.activation = FNN_LINEAR;
    return config;
}

FNNI_COLD FNN_DEF int fnn_conv2d_with(fnn_model *model, const fnn_conv2d_config *config)
{
    const fnn_conv2d_config *c = config;
    fnni_layer *layer = fnni_layer_add(model, &fnni_conv2d_type);
    double taps, window, size;
    if (layer && !c) return fnni_refuse(model, "expected a configuration, found NULL");
    if (!layer ||
        !fnni_layer_window(model, layer, c->kernel_height, c->kernel_width, c->stride_height,
                           c->stride_width, c->padding, c->pad_height, c->pad_width))
        return -1;
    window = (double)c->kernel_height * c->kernel_width;
    taps = window * layer->shape.channels;
    size = (double)layer->shape.height * layer->shape.width;
    if (c->filters < 1 || taps * c->filters > FNNI_LARGEST_LAYER ||
        size * c->filters > FNNI_LARGEST_LAYER || !fnni_is_activation(c->activation))
        return fnni_refuse(model,
                           "expected 1 or more filters and an activation, at most %d weights and "
                           "outputs, found %d filters, activation %d",
                           FNNI_LARGEST_LAYER, c->filters, (int)c->activation);
    layer->shape.channels = c->filters;
    layer->outputs = fnni_shape_size(layer->shape);
    fnni_layer_weigh(layer, (int)taps, c->filters, c->no_bias, taps, window * c->filters,
                     size * taps * c->filters);
    return fnni_layer_activate(model, layer, c->activation);
}

FNNI_COLD FNN_DEF int fnn_conv2d(fnn_model *model, int filters, int kernel, fnn_padding padding,
                                 fnn_activation activation)
{
    fnn_conv2d_config config = fnn_conv2d_config_init();
    if (fnni_padding_is_given(padding) && fnni_layer_add(model, &fnni_conv2d_type))
        return fnni_refuse(model, "expected valid or same padding, found explicit without its pads,"
                                  " which fnn_conv2d_with takes");
    config.filters = filters;
    config.kernel_height = config.kernel_width = kernel;
    config.padding = padding;
    config.activation = activation;
    return fnn_conv2d_with(model, &config);
}

/* ---- what the two pools share ---- */

static void fnni_pool_read(fnn_model *model, const fnni_words *w, int average)
{
    fnn_pool2d_config c = fnn_pool2d_config_init();
    int sizes[6];
    const int end = fnni_read_window(w, 1, sizes, &c.padding);
    if (!end || w->count != end) return;
    c.average = average;
    c.height = sizes[0];
    c.width = sizes[1];
    c.stride_height = sizes[2];
    c.stride_width = sizes[3];
    c.pad_height = sizes[4];
    c.pad_width = sizes[5];
    fnn_pool2d_with(model, &c);
}

/* ---- max-pool: y = the largest of each window;  dx = dy where it was, the first of equals ---- */

/* One image through a convolution and its pool, band by band. */
static void fnni_fused_image(const fnni_run *run, int l, int i, fnn_real *workspace)
{
    const fnni_layer *pool = fnni_layer_at(run, l), *layer = pool - 1;
    const fnni_plan *plan = run->plans + l - 1;
    const int stride = pool->window.stride_height;
    const int most = fnni_layer_band(layer) / stride, band = most > 0 ? most : 1;
    fnn_real *y = fnni_y(run, l, i, workspace),
             *rows_of_z = workspace + run->image + fnni_conv_image_size(&plan->conv);
    uint8_t *index = fnni_record(run, l, i);
    fnn_window w = pool->window;
    const fnni_conv_input in =
        fnni_conv_image(&plan->conv, fnni_y(run, l - 2, i, workspace), workspace + run->image);
    int row, rows;
    for (row = 0; row < pool->window.out_height; row += rows) {
        const ptrdiff_t size = (ptrdiff_t)w.out_width * w.channels;
        rows = pool->window.out_height - row < band ? pool->window.out_height - row : band;
        w.out_height = rows;
        w.height = (rows - 1) * stride + w.kernel_height;
        fnni_conv_rows(&plan->conv, &in, workspace + plan->packed[0], row * stride,
                       row * stride + w.height, rows_of_z);
        run->kernels->max_pool(&w, rows_of_z, y, index);
        run->kernels->activation(layer->activation, layer->parameter, rows * size, y, y);
        y += rows * size;
        if (index) index += rows * size;
    }
}

static void fnni_max_layer_forward(const fnni_run *run, int l, int from, int to,
                                   fnn_real *workspace)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    int i;
    for (i = from; i < to; i++)
        if (layer->fused) fnni_fused_image(run, l, i, workspace);
        else
            run->kernels->max_pool(&layer->window, fnni_y(run, l - 1, i, workspace),
                                   fnni_y(run, l, i, workspace), fnni_record(run, l, i));
}

static void fnni_max_layer_backward(const fnni_run *run, int l, int from, int to, int to_input,
                                    fnn_real *workspace)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    int i;
    for (i = from; i < to && to_input; i++) {
        fnn_real *d = fnni_d(run, l, i, workspace);
        if (layer->fused) /* f' is that of the outputs that were largest */
            run->kernels->activation_backward(layer[-1].activation, layer[-1].parameter,
                                              layer->outputs, NULL, fnni_y(run, l, i, workspace), d,
                                              d);
        run->kernels->max_pool_backward(&layer->window, fnni_record(run, l, i), d,
                                        fnni_d(run, l - 1, i, workspace));
    }
}

/* Whether an index can name every position of the window. */
static int fnni_is_max_window(const fnn_window *w)
{
    return w && (double)w->kernel_height * w->kernel_width <= FNNI_MAX_POOL_WINDOW;
}

static void fnni_image_max_pool(const fnni_images *g, ptrdiff_t i, const fnn_real *x, fnn_real *y)
{
    g->kernels->max_pool(g->window, x, y, FNNI_AT(g->new_index, i * g->out_size));
}

FNN_DEF fnn_result fnn_max_pool2d_forward(fnn_context *context, const fnn_window *window,
                                          ptrdiff_t images, const fnn_real *x, fnn_real *y,
                                          uint8_t *index)
{
    fnni_images g = fnni_images_of(window, images, 0, x, y);
    g.new_index = index;
    g.one = fnni_image_max_pool;
    return fnni_is_max_window(window) ? fnni_images_run(context, &g) : FNN_ERROR_ARGUMENT;
}

static void fnni_image_max_back(const fnni_images *g, ptrdiff_t i, const fnn_real *dy, fnn_real *dx)
{
    g->kernels->max_pool_backward(g->window, g->index + i * g->in_size, dy, dx);
}

FNN_DEF fnn_result fnn_max_pool2d_backward(fnn_context *context, const fnn_window *window,
                                           ptrdiff_t images, const uint8_t *index,
                                           const fnn_real *dy, fnn_real *dx)
{
    fnni_images g = fnni_images_of(window, images, 1, dy, dx);
    g.index = index;
    g.one = fnni_image_max_back;
    if (!fnni_is_max_window(window) || (images > 0 && !index)) return FNN_ERROR_ARGUMENT;
    return fnni_images_run(context, &g);
}

/* The pool does the work of a convolution before it where that does not change a bit: windows apart
 * from each other and inside the image, an activation that keeps the order, no other reader. */
static void fnni_max_pool_fuse(fnn_model *model, int l)
{
    fnni_layer *pool = model->layers + l, *conv = pool - 1;
    const fnn_window *w = &pool->window;
    if (l == 0 || !(conv->type->flags & FNNI_POOLS_BANDS) || conv->added) return;
    if (w->pad_top || w->pad_left || w->stride_height < w->kernel_height) return;
    if (w->stride_width < w->kernel_width) return;
    if ((w->out_height - 1) * w->stride_height + w->kernel_height > w->height) return;
    if ((w->out_width - 1) * w->stride_width + w->kernel_width > w->width) return;
    pool->fused = conv->absorbed = fnni_keeps_order(conv->activation, conv->parameter);
}

static void fnni_max_pool_read(fnn_model *model, const fnni_words *w)
{
    fnni_pool_read(model, w, 0);
}

/* clang-format off */
static const fnni_layer_type fnni_max_pool_type = {
    "max_pool2d", FNNI_OF_IMAGES,
    /* to_words, from_words, tensor */ fnni_write_window, fnni_max_pool_read, NULL,
    /* fuse, start, plan, prepare */ fnni_max_pool_fuse, NULL, NULL, NULL,
    /* the passes */ fnni_max_layer_forward, fnni_max_layer_backward, NULL,
    /* measure, sum, update */ NULL, NULL, NULL};
/* clang-format on */

/* ---- average-pool: y = the mean of a window's part inside the image;  dx = dy / its size ---- */

static void fnni_average_layer_forward(const fnni_run *run, int l, int from, int to,
                                       fnn_real *workspace)
{
    int i;
    for (i = from; i < to; i++)
        run->kernels->average_pool(&fnni_layer_at(run, l)->window, fnni_y(run, l - 1, i, workspace),
                                   fnni_y(run, l, i, workspace));
}

static void fnni_average_layer_backward(const fnni_run *run, int l, int from, int to, int to_input,
                                        fnn_real *workspace)
{
    int i;
    for (i = from; i < to && to_input; i++)
        run->kernels->average_pool_backward(&fnni_layer_at(run, l)->window,
                                            fnni_d(run, l, i, workspace),
                                            fnni_d(run, l - 1, i, workspace));
}

static void fnni_image_average(const fnni_images *g, ptrdiff_t i, const fnn_real *x, fnn_real *y)
{
    (void)i;
    g->kernels->average_pool(g->window, x, y);
}

FNN_DEF fnn_result fnn_average_pool2d_forward(fnn_context *context, const fnn_window *window,
                                              ptrdiff_t images, const fnn_real *x, fnn_real *y)
{
    fnni_images g = fnni_images_of(window, images, 0, x, y);
    g.one = fnni_image_average;
    return fnni_images_run(context, &g);
}

static void fnni_image_average_back(const fnni_images *g, ptrdiff_t i, const fnn_real *dy,
                                    fnn_real *dx)
{
    (void)i;
    g->kernels->average_pool_backward(g->window, dy, dx);
}

FNN_DEF fnn_result fnn_average_pool2d_backward(fnn_context *context, const fnn_window *window,
                                               ptrdiff_t images, const fnn_real *dy, fnn_real *dx)
{
    fnni_images g = fnni_images_of(window, images, 1, dy, dx);
    g.one = fnni_image_average_back;
    return fnni_images_run(context, &g);
}

static void fnni_average_pool_read(fnn_model *model, const fnni_words *w)
{
    fnni_pool_read(model, w, 1);
}

/* clang-format off */
static const fnni_layer_type fnni_average_pool_type = {
    "average_pool2d", FNNI_OF_IMAGES,
    /* to_words, from_words, tensor */ fnni_write_window, fnni_average_pool_read, NULL,
    /* fuse, start, plan, prepare */ NULL, NULL, NULL, NULL,
    /* the passes */ fnni_average_layer_forward, fnni_average_layer_backward, NULL,
    /* measure, sum, update */ NULL, NULL, NULL};
/* clang-format on */

/* ---- the pools' builders ---- */

FNN_DEF fnn_pool2d_config fnn_pool2d_config_init(void)
{
    fnn_pool2d_config config;
    memset(&config, 0, sizeof config);
    config.height = config.width = config.stride_height = config.stride_width = 2;
    config.padding = FNN_VALID;
    return config;
}

FNNI_COLD FNN_DEF int fnn_pool2d_with(fnn_model *model, const fnn_pool2d_config *config)
{
    const fnn_pool2d_config *c = config;
    fnni_layer *layer =
        fnni_layer_add(model, c && c->average ? &fnni_average_pool_type : &fnni_max_pool_type);
    if (layer && !c) return fnni_refuse(model, "expected a configuration, found NULL");
    if (!layer || !fnni_layer_window(model, layer, c->height, c->width, c->stride_height,
                                     c->stride_width, c->padding, c->pad_height, c->pad_width))
        return -1;
    if (!c->average && !fnni_is_max_window(&layer->window))
        return fnni_refuse(model, "expected a window of at most %d positions, found %d x %d",
                           FNNI_MAX_POOL_WINDOW, c->height, c->width);
    if ((double)layer->shape.height * layer->shape.width * layer->shape.channels >
        FNNI_LARGEST_LAYER)
        return fnni_refuse(model, "expected at most %d outputs, found %d x %d x %d",
                           FNNI_LARGEST_LAYER, layer->shape.height, layer->shape.width,
                           layer->shape.channels);
    layer->outputs = fnni_shape_size(layer->shape);
    layer->record = c->average ? 0 : (size_t)layer->outputs; /* where the maxima are */
    layer->work = layer->outputs;
    return model->layer_count++;
}

static int fnni_pool2d(fnn_model *model, int size, int average)
{
    fnn_pool2d_config config = fnn_pool2d_config_init();
    config.average = average;
    config.height = config.width = config.stride_height = config.stride_width = size;
    return fnn_pool2d_with(model, &config);
}

FNNI_COLD FNN_DEF int fnn_max_pool2d(fnn_model *model, int size)
{
    return fnni_pool2d(model, size, 0);
}

FNNI_COLD FNN_DEF int fnn_average_pool2d(fnn_model *model, int size)
{
    return fnni_pool2d(model, size, 1);
}

FNNI_COLD FNN_DEF int fnn_global_average_pool2d(fnn_model *model)
{
    fnn_pool2d_config config = fnn_pool2d_config_init();
    const fnni_shape *in;
    if (!model || model->broken) return -1;
    in = model->layer_count ? &model->layers[model->layer_count - 1].shape : &model->input;
    config.average = 1;
    config.height = in->height;
    config.width = in->width;
    return fnn_pool2d_with(model, &config);
}

/* ---- batch norm: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, per channel; mean and
 * variance those of the batch in training, running ones otherwise. With m values a channel and
 * x' = (x - mean) / sqrt(..):  dgamma = sum dy x';  dbeta = sum dy;
 * dx = gamma / sqrt(..) (dy - dbeta/m - x' dgamma/m). Ioffe and Szegedy 2015. ---- */

/* ---- batch normalisation ---- */
/* Formulas at fnn_batch_norm_forward. Sums run in reals over blocks of FNNI_NORM_ROWS rows, which
 * is what a thread takes, and in double over the blocks in their order. A caller fills in the
 * first lines and gives space for fnni_norm_space reals. The public calls go forward or backward
 * at once; the layer measures or differentiates, and maps image by image (fnni_norm_a and on). */
#define FNNI_NORM_ROWS 256
typedef struct fnni_norm {
    const fnni_kernels *kernels;
    int threads;
    ptrdiff_t rows, channels;
    const fnn_real *x, *dy; /* dy: backward only */
    const fnn_real *gamma, *beta;
    fnn_real epsilon;
    const fnn_real *mean, *variance;   /* what is applied: those of the batch, or running ones */
    fnn_real *new_mean, *new_variance; /* of the batch; measuring only */
    fnn_real *y;                       /* dx in backward */
    fnn_real *dgamma, *dbeta;          /* or NULL */
    fnn_real *space; /* pivot or inv_std; then a, b and c; then the blocks' sums */
} fnni_norm;

/* y = a x + c, dx = a dy + b x + c: each (channels). */
static fnn_real *fnni_norm_a(const fnni_norm *n)
{
    return n->space + n->channels;
}

static fnn_real *fnni_norm_b(const fnni_norm *n)
{
    return n->space + 2 * n->channels;
}

static fnn_real *fnni_norm_c(const fnni_norm *n)
{
    return n->space + 3 * n->channels;
}

static ptrdiff_t fnni_norm_blocks(ptrdiff_t rows)
{
    return rows / FNNI_NORM_ROWS + (rows % FNNI_NORM_ROWS != 0);
}

static size_t fnni_norm_space(size_t rows, ptrdiff_t channels)
{
    const size_t blocks = rows / FNNI_NORM_ROWS + (rows % FNNI_NORM_ROWS != 0);
    return fnni_times(fnni_plus(fnni_times(blocks, 2), 4), (size_t)channels);
}

/* A part's blocks: their sums, of x in forward and of dy in backward. */
static void fnni_norm_sum_part(void *argument, int part, int parts)
{
    const fnni_norm *n = (const fnni_norm *)argument;
    const ptrdiff_t blocks = fnni_norm_blocks(n->rows), channels = n->channels;
    ptrdiff_t b;
    for (b = blocks * part / parts; b < blocks * (part + 1) / parts; b++) {
        const ptrdiff_t first = b * FNNI_NORM_ROWS, left = n->rows - first;
        const ptrdiff_t rows = left < FNNI_NORM_ROWS ? left : FNNI_NORM_ROWS;
        fnn_real *sums = n->space + (4 + 2 * b) * channels;
        const fnn_real *x = n->x + first * channels;
        n->kernels->fill(2 * channels, 0, sums);
        if (n->dy)
            n->kernels->norm_sums(rows, channels, n->dy + first * channels, x, n->mean, n->space,
                                  sums, sums + channels);
        else n->kernels->moments(rows, channels, x, channels, n->space, sums, sums + channels);
    }
}

/* y = a x + c, or dx = a dy + b x + c, in a part's rows. */
static void fnni_norm_map_part(void *argument, int part, int parts)
{
    const fnni_norm *n = (const fnni_norm *)argument;
    const ptrdiff_t first = fnni_share_begin(n->rows, part, parts);
    const ptrdiff_t rows = fnni_share_begin(n->rows, part + 1, parts) - first;
    const ptrdiff_t at = first * n->channels, channels = n->channels;
    const fnn_real *a = fnni_norm_a(n), *b = fnni_norm_b(n), *c = fnni_norm_c(n);
    if (n->dy) n->kernels->norm_backward(rows, channels, n->dy + at, n->x + at, a, b, c, n->y + at);
    else n->kernels->scale_shift(rows, channels, n->x + at, a, c, n->y + at);
}

/* What the blocks' sums of one channel come to; number 0 is the sum, 1 that of squares or
 * products. */
static double fnni_norm_total(const fnni_norm *n, ptrdiff_t channel, int number)
{
    const ptrdiff_t blocks = fnni_norm_blocks(n->rows);
    const fnn_real *sums = n->space + (4 + number) * n->channels + channel;
    double total = 0;
    ptrdiff_t b;
    for (b = 0; b < blocks; b++) total += (double)sums[2 * b * n->channels];
    return total;
}

/* The batch's mean and variance. The variance is that about the pivot, the first block's mean, less
 * the pivot's distance from the mean squared: as long as the blocks are alike the two do not
 * cancel. */
static void fnni_norm_measure(const fnni_norm *n)
{
    const ptrdiff_t channels = n->channels;
    const ptrdiff_t first = n->rows < FNNI_NORM_ROWS ? n->rows : FNNI_NORM_ROWS;
    fnn_real *pivot = n->space, *a = fnni_norm_a(n);
    ptrdiff_t j;
    n->kernels->fill(4 * channels, 0, n->space);
    n->kernels->moments(first, channels, n->x, channels, pivot, a, fnni_norm_c(n));
    for (j = 0; j < channels; j++) pivot[j] = a[j] / (fnn_real)first;
    fnni_parallel(n->threads, fnni_norm_sum_part, (void *)n);
    for (j = 0; j < channels; j++) {
        const double shift = fnni_norm_total(n, j, 0) / (double)n->rows;
        const double square = fnni_norm_total(n, j, 1) / (double)n->rows - shift * shift;
        n->new_mean[j] = (fnn_real)((double)pivot[j] + shift);
        n->new_variance[j] = (fnn_real)(square < 0 ? 0 : square);
    }
}

/* a and c of a mean and a variance. */
static void fnni_norm_factors(const fnni_norm *n)
{
    fnn_real *a = fnni_norm_a(n), *c = fnni_norm_c(n);
    ptrdiff_t j;
    for (j = 0; j < n->channels; j++) {
        const double gamma = n->gamma ? (double)n->gamma[j] : 1;
        const double beta = n->beta ? (double)n->beta[j] : 0;
        const double factor = gamma / sqrt((double)n->variance[j] + (double)n->epsilon);
        a[j] = (fnn_real)factor;
        c[j] = (fnn_real)(beta - (double)n->mean[j] * factor);
    }
}

/* dgamma, dbeta; and a, b and c of dx. constant: mean and variance are not those of this batch, so
 * they have no gradient. */
static void fnni_norm_differentiate(const fnni_norm *n, int constant)
{
    fnn_real *inv_std = n->space;
    ptrdiff_t j;
    for (j = 0; j < n->channels; j++)
        inv_std[j] = (fnn_real)(1 / sqrt((double)n->variance[j] + (double)n->epsilon));
    fnni_parallel(n->threads, fnni_norm_sum_part, (void *)n);
    for (j = 0; j < n->channels; j++) {
        const double gamma = n->gamma ? (double)n->gamma[j] : 1, slope = gamma * (double)inv_std[j];
        const double sum = fnni_norm_total(n, j, 0), product = fnni_norm_total(n, j, 1);
        const double share = constant ? 0 : 1 / (double)n->rows;
        const double tilt = -slope * (double)inv_std[j] * product * share;
        fnni_norm_a(n)[j] = (fnn_real)slope;
        fnni_norm_b(n)[j] = (fnn_real)tilt;
        fnni_norm_c(n)[j] = (fnn_real)(-slope * sum * share - tilt * (double)n->mean[j]);
        if (n->dbeta) n->dbeta[j] = (fnn_real)sum;
        if (n->dgamma) n->dgamma[j] = (fnn_real)product;
    }
}

static void fnni_norm_forward(fnni_norm *n)
{
    fnni_norm_measure(n);
    n->mean = n->new_mean;
    n->variance = n->new_variance;
    fnni_norm_factors(n);
    fnni_parallel(n->threads, fnni_norm_map_part, n);
}

static void fnni_norm_backward_run(fnni_norm *n)
{
    fnni_norm_differentiate(n, 0);
    fnni_parallel(n->threads, fnni_norm_map_part, n);
}

/* Finds space and threads, and runs one direction. */
static fnn_result fnni_norm_run(fnn_context *context, fnni_norm *n, void (*run)(fnni_norm *n))
{
    const ptrdiff_t count = fnni_area(n->rows, n->channels);
    fnn_context own, *used;
    fnn_result result = FNN_OK;
    if (n->rows < 1 || n->channels < 1 || count < 0) return FNN_ERROR_ARGUMENT;
    if (!(n->epsilon >= 0)) return FNN_ERROR_ARGUMENT;
    if (!n->x || !n->y) return FNN_ERROR_ARGUMENT;
    n->threads = fnni_threads_for(context, count);
    used = fnni_context_borrow(context, &own);
    if (!used) return FNN_ERROR_ARGUMENT;
    n->kernels = used->kernels;
    n->space = fnni_workspace(used, fnni_norm_space((size_t)n->rows, n->channels));
    if (n->space) run(n);
    else result = FNN_ERROR_MEMORY;
    if (!context) fnni_context_close(&own);
    return result;
}

FNN_DEF fnn_result fnn_batch_norm_forward(fnn_context *context, ptrdiff_t rows, ptrdiff_t channels,
                                          const fnn_real *x, const fnn_real *gamma,
                                          const fnn_real *beta, fnn_real epsilon, fnn_real *mean,
                                          fnn_real *variance, fnn_real *y)
{
    fnni_norm n;
    if (!mean || !variance) return FNN_ERROR_ARGUMENT;
    memset(&n, 0, sizeof n);
    n.rows = rows;
    n.channels = channels;
    n.x = x;
    n.gamma = gamma;
    n.beta = beta;
    n.epsilon = epsilon;
    n.new_mean = mean;
    n.new_variance = variance;
    n.y = y;
    return fnni_norm_run(context, &n, fnni_norm_forward);
}

FNN_DEF fnn_result fnn_batch_norm_backward(fnn_context *context, ptrdiff_t rows, ptrdiff_t channels,
                                           const fnn_real *x, const fnn_real *dy,
                                           const fnn_real *gamma, const fnn_real *mean,
                                           const fnn_real *variance, fnn_real epsilon, fnn_real *dx,
                                           fnn_real *dgamma, fnn_real *dbeta)
{
    fnni_norm n;
    if (!dy || !mean || !variance) return FNN_ERROR_ARGUMENT;
    memset(&n, 0, sizeof n);
    n.rows = rows;
    n.channels = channels;
    n.x = x;
    n.dy = dy;
    n.gamma = gamma;
    n.epsilon = epsilon;
    n.mean = mean;
    n.variance = variance;
    n.y = dx;
    n.dgamma = dgamma;
    n.dbeta = dbeta;
    return fnni_norm_run(context, &n, fnni_norm_backward_run);
}

/* As a layer. The parameters, all counted as biases, are gamma then beta. The batch's statistics
 * need the whole batch, so a stage of the pass begins here (fnni_run_stage), and they are measured
 * in between. */

/* Arrays of (C) that a layer keeps of a batch in front of fnni_norm's space: mean, variance,
 * dgamma, dbeta. */
#define FNNI_NORM_KEPT 4

/* The layer as a normalisation, its numbers at `kept`; x and dy are left out. */
static fnni_norm fnni_norm_make(const fnni_run *run, int l, fnn_real *kept)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    const ptrdiff_t channels = layer->shape.channels;
    fnni_norm n;
    memset(&n, 0, sizeof n);
    n.kernels = run->kernels;
    n.threads = 1;
    n.rows = run->rows * fnni_area_of(layer);
    n.channels = channels;
    n.gamma = run->model->parameters + layer->offset;
    n.beta = n.gamma + channels;
    n.epsilon = layer->norm.epsilon;
    n.mean = n.new_mean = kept;
    n.variance = n.new_variance = kept + channels;
    n.dgamma = kept + 2 * channels;
    n.dbeta = kept + 3 * channels;
    n.space = kept + FNNI_NORM_KEPT * channels;
    return n;
}

static fnni_norm fnni_norm_of(const fnni_run *run, int l)
{
    return fnni_norm_make(run, l, fnni_own(run, l));
}

/* Takes the running statistics for those of the batch. */
static void fnni_norm_run_on(const fnni_run *run, int l, const fnni_norm *n)
{
    memcpy(n->new_mean, run->model->statistics + fnni_layer_at(run, l)->statistics_offset,
           2 * (size_t)n->channels * sizeof *n->new_mean);
}

/* In inference each thread has factors of its own, of the running statistics. */
static fnni_norm fnni_norm_own(const fnni_run *run, int l, fnn_real *workspace)
{
    return run->inference ? fnni_norm_make(run, l, workspace + run->plans[l].packed[0])
                          : fnni_norm_of(run, l);
}

static void fnni_norm_prepare(const fnni_run *run, int l, int backward, fnn_real *workspace)
{
    const fnni_norm n = fnni_norm_own(run, l, workspace);
    if (!run->inference || backward) return;
    fnni_norm_run_on(run, l, &n);
    fnni_norm_factors(&n);
}

static void fnni_norm_layer_forward(const fnni_run *run, int l, int from, int to,
                                    fnn_real *workspace)
{
    const fnni_norm n = fnni_norm_own(run, l, workspace);
    run->kernels->scale_shift((to - from) * fnni_area_of(fnni_layer_at(run, l)), n.channels,
                              fnni_y(run, l - 1, from, workspace), fnni_norm_a(&n), fnni_norm_c(&n),
                              fnni_y(run, l, from, workspace));
}

static void fnni_norm_layer_backward(const fnni_run *run, int l, int from, int to, int to_input,
                                     fnn_real *workspace)
{
    const fnni_norm n = fnni_norm_of(run, l);
    if (!to_input) return;
    run->kernels->norm_backward(
        (to - from) * fnni_area_of(fnni_layer_at(run, l)), n.channels,
        fnni_d(run, l, from, workspace), fnni_y(run, l - 1, from, workspace), fnni_norm_a(&n),
        fnni_norm_b(&n), fnni_norm_c(&n), fnni_d(run, l - 1, from, workspace));
}

static void fnni_norm_gradient(const fnni_run *run, int l, int from, int to, fnn_real *dw,
                               fnn_real *db, fnn_real *workspace)
{
    const fnni_norm n = fnni_norm_of(run, l);
    (void)from, (void)to, (void)dw, (void)workspace;
    memcpy(db, n.dgamma, 2 * (size_t)n.channels * sizeof *db); /* dbeta lies behind it */
}

/* Whether the batch's own statistics are taken, as in training; a frozen layer keeps to the running
 * ones (as Keras in TensorFlow 2). */
static int fnni_norm_is_live(const fnni_run *run, int l)
{
    return run->training && !fnni_layer_at(run, l)->frozen;
}

/* What the layer applies to this batch. */
static void fnni_norm_measured(const fnni_run *run, int l, int threads)
{
    fnni_norm n = fnni_norm_of(run, l);
    n.threads = threads;
    n.x = fnni_y(run, l - 1, 0, NULL);
    if (fnni_norm_is_live(run, l)) fnni_norm_measure(&n);
    else fnni_norm_run_on(run, l, &n);
    fnni_norm_factors(&n);
}

/* What its gradient is made of, when that by its output is there for the whole batch. */
static void fnni_norm_summed(const fnni_run *run, int l, int threads)
{
    fnni_norm n = fnni_norm_of(run, l);
    n.threads = threads;
    n.x = fnni_y(run, l - 1, 0, NULL);
    n.dy = fnni_d(run, l, 0, NULL);
    fnni_norm_differentiate(&n, !fnni_norm_is_live(run, l));
}

/* Moves the running statistics towards the batch's; once a step. */
static void fnni_norm_update(const fnni_run *run, int l)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    const fnni_norm n = fnni_norm_of(run, l);
    const double rows = (double)n.rows, keep = (double)layer->norm.momentum;
    const double unbiased = layer->norm.unbiased && rows > 1 ? rows / (rows - 1) : 1;
    fnn_real *mean = run->model->statistics + layer->statistics_offset,
             *variance = mean + n.channels;
    ptrdiff_t j;
    if (!fnni_norm_is_live(run, l)) return;
    for (j = 0; j < n.channels; j++) {
        mean[j] = (fnn_real)(keep * (double)mean[j] + (1 - keep) * (double)n.mean[j]);
        variance[j] =
            (fnn_real)(keep * (double)variance[j] + (1 - keep) * (double)n.variance[j] * unbiased);
    }
}

/* Numbers of the batch that all threads share; in inference factors of each thread's own. */
static void fnni_norm_plan(const fnni_run *run, int l, fnni_plan *plan, fnni_needs *needs)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    const int channels = layer->shape.channels;
    const size_t area = run->inference ? 0 : (size_t)fnni_area_of(layer);
    const size_t size = fnni_plus(fnni_times(FNNI_NORM_KEPT, (size_t)channels),
                                  fnni_norm_space(fnni_times((size_t)needs->rows, area), channels));
    (void)plan;
    if (run->inference) needs->packed[0] = size;
    else needs->own = fnni_plus(needs->own, fnni_round(size));
}

/* No change at first: gamma 1, beta 0, running mean 0, variance 1. */
static void fnni_norm_start(fnn_model *model, const fnni_layer *layer)
{
    const fnni_kernels *k = model->context.kernels;
    const ptrdiff_t n = layer->shape.channels;
    k->fill(n, 1, model->parameters + layer->offset);
    k->fill(n, 0, model->parameters + layer->offset + n);
    k->fill(n, 0, model->statistics + layer->statistics_offset);
    k->fill(n, 1, model->statistics + layer->statistics_offset + n);
}

static void fnni_norm_write(fnni_writer *w, const fnni_layer *layer)
{
    fnni_emit_word(w, layer->norm.momentum);
    fnni_emit_word(w, layer->norm.epsilon);
    fnni_emit_text(w, " %d", layer->norm.unbiased != 0);
}

static void fnni_norm_read(fnn_model *model, const fnni_words *w)
{
    fnn_batch_norm_config config;
    if (w->count == 4 && fnni_word_real(w->word[1], &config.momentum) &&
        fnni_word_real(w->word[2], &config.epsilon) && fnni_word_int(w->word[3], &config.unbiased))
        fnn_batch_norm_with(model, &config);
}

static int fnni_norm_tensor(const fnn_model *model, int l, int which, fnni_tensor *t)
{
    static const char *const parts[] = {"gamma", "beta", "mean", "variance"};
    const fnni_layer *layer = model->layers + l;
    const size_t channels = (size_t)layer->shape.channels, second = which & 1 ? channels : 0;
    if (which > 3) return 0;
    if (which < 2)
        return fnni_tensor_make(t, model, l, parts[which], &model->parameters,
                                layer->offset + second, 1, &channels);
    return fnni_tensor_make(t, model, l, parts[which], &model->statistics,
                            layer->statistics_offset + second, 1, &channels);
}

/* clang-format off */
static const fnni_layer_type fnni_batch_norm_type = {
    "batch_norm", FNNI_OF_BATCH | FNNI_GRADIENT_KEPT,
    /* to_words, from_words, tensor */ fnni_norm_write, fnni_norm_read, fnni_norm_tensor,
    /* fuse, start, plan, prepare */ NULL, fnni_norm_start, fnni_norm_plan, fnni_norm_prepare,
    /* the passes */ fnni_norm_layer_forward, fnni_norm_layer_backward, fnni_norm_gradient,
    /* measure, sum, update */ fnni_norm_measured, fnni_norm_summed, fnni_norm_update};
/* clang-format on */

FNN_DEF fnn_batch_norm_config fnn_batch_norm_config_init(void)
{
    const fnn_batch_norm_config config = {(fnn_real).99, (fnn_real)1e-3, 0};
    return config;
}

FNN_DEF fnn_batch_norm_config fnn_batch_norm_config_pytorch(void)
{
    const fnn_batch_norm_config config = {(fnn_real).9, (fnn_real)1e-5, 1};
    return config;
}

FNNI_COLD FNN_DEF int fnn_batch_norm_with(fnn_model *model, const fnn_batch_norm_config *config)
{
    fnni_layer *layer = fnni_layer_add(model, &fnni_batch_norm_type);
    if (!layer) return -1;
    if (!config) return fnni_refuse(model, "expected a configuration, found NULL");
    if (!(config->momentum >= 0 && config->momentum <= 1) || !(config->epsilon > 0) ||
        config->epsilon - config->epsilon != 0)
        return fnni_refuse(model,
                           "expected a momentum in [0, 1] and an epsilon above 0, found %g, %g",
                           (double)config->momentum, (double)config->epsilon);
    layer->norm = *config;
    layer->biases = layer->statistics = 2 * (size_t)layer->shape.channels;
    layer->work = layer->outputs;
    return model->layer_count++;
}

FNNI_COLD FNN_DEF int fnn_batch_norm(fnn_model *model)
{
    const fnn_batch_norm_config config = fnn_batch_norm_config_init();
    return fnn_batch_norm_with(model, &config);
}

/* ---- add: y = x + the output of an earlier layer;  both get dy. He et al. 2015. ---- */

static void fnni_add_forward(const fnni_run *run, int l, int from, int to, fnn_real *workspace)
{
    const fnni_layer *layer = fnni_layer_at(run, l);
    const size_t count = (size_t)(to - from) * (size_t)layer->outputs;
    fnn_real *y = fnni_y(run, l, from, workspace);
    memcpy(y, fnni_y(run, l - 1, from, workspace), count * sizeof *y);
    run->kernels->add_scaled((ptrdiff_t)count, 1, fnni_y(run, layer->from, from, workspace), y);
}

static void fnni_add_backward(const fnni_run *run, int l, int from, int to, int to_input,
                              fnn_real *workspace)
{
    const size_t count = (size_t)(to - from) * (size_t)fnni_layer_at(run, l)->outputs;
    if (!to_input) return;
    memcpy(fnni_d(run, l - 1, from, workspace), fnni_d(run, l, from, workspace),
           count * sizeof(fnn_real));
}

static void fnni_add_write(fnni_writer *w, const fnni_layer *layer)
{
    if (layer->from < 0) fnni_emit_text(w, " input");
    else fnni_emit_text(w, " %d", layer->from);
}

static void fnni_add_read(fnn_model *model, const fnni_words *w)
{
    int from = -1;
    if (w->count == 2 && (!strcmp(w->word[1], "input") || fnni_word_int(w->word[1], &from)))
        fnn_add(model, from);
}

/* clang-format off */
static const fnni_layer_type fnni_add_type = {
    "add", FNNI_GRADIENT_KEPT,
    /* to_words, from_words, tensor */ fnni_add_write, fnni_add_read, NULL,
    /* fuse, start, plan, prepare */ NULL, NULL, NULL, NULL,
    /* the passes */ fnni_add_forward, fnni_add_backward, NULL,
    /* measure, sum, update */ NULL, NULL, NULL};
/* clang-format on */

FNNI_COLD FNN_DEF int fnn_add(fnn_model *model, int from)
{
    fnni_layer *layer = fnni_layer_add(model, &fnni_add_type);
    fnni_shape other;
    if (!layer) return -1;
    other = from >= 0 && from < model->layer_count ? model->layers[from].shape : model->input;
    if (from < -1 || from >= model->layer_count || other.height != layer->shape.height ||
        other.width != layer->shape.width || other.channels != layer->shape.channels)
        return fnni_refuse(
            model,
            "expected an earlier layer of shape %d x %d x %d, found layer %d of %d x "
            "%d x %d",
            layer->shape.height, layer->shape.width, layer->shape.channels, from, other.height,
            other.width, other.channels);
    layer->from = from;
    if (from >= 0) model->layers[from].added = 1;
    layer->work = layer->outputs;
    return model->layer_count++;
}

/* ---- rescale: y = x scale + shift, from normalised to the targets' own unit;  dx = dy scale.
 * At the end of a model with fnn_normalize_targets, behind the loss. ---- */

static void fnni_rescale_forward(const fnni_run *run, int l, int from, int to, fnn_real *workspace)
{
    run->kernels->scale_shift(to - from, fnni_layer_at(run, l)->outputs,
                              fnni_y(run, l - 1, from, workspace), run->model->target_scale,
                              run->model->target_shift, fnni_y(run, l, from, workspace));
}

static void fnni_rescale_backward(const fnni_run *run, int l, int from, int to, int to_input,
                                  fnn_real *workspace)
{
    const int n = fnni_layer_at(run, l)->outputs;
    const fnn_real *dy = fnni_d(run, l, from, workspace);
    fnn_real *dx = to_input ? fnni_d(run, l - 1, from, workspace) : NULL;
    int i, j;
    for (i = from; dx && i < to; i++, dy += n, dx += n)
        for (j = 0; j < n; j++) dx[j] = dy[j] * run->model->target_scale[j];
}

static int fnni_rescale_tensor(const fnn_model *model, int l, int which, fnni_tensor *t)
{
    const size_t shape = (size_t)model->layers[l].outputs;
    if (which > 1) return 0;
    return which == 0 ? fnni_tensor_make(t, model, l, "shift", &model->target_shift, 0, 1, &shape)
                      : fnni_tensor_make(t, model, l, "scale", &model->target_scale, 0, 1, &shape);
}

static void fnni_rescale_read(fnn_model *model, const fnni_words *w);

/* clang-format off */
static const fnni_layer_type fnni_rescale_type = {
    "rescale", FNNI_OF_TARGETS,
    /* to_words, from_words, tensor */ NULL, fnni_rescale_read, fnni_rescale_tensor,
    /* fuse, start, plan, prepare */ NULL, NULL, NULL, NULL,
    /* the passes */ fnni_rescale_forward, fnni_rescale_backward, NULL,
    /* measure, sum, update */ NULL, NULL, NULL};
/* clang-format on */

/* Adds the layer; the model has its shift and scale, or will read them from a file. */
static int fnni_rescale(fnn_model *model)
{
    fnni_layer *layer = fnni_layer_add(model, &fnni_rescale_type);
    if (!layer) return -1;
    model->target_count = layer->outputs;
    layer->work = layer->outputs;
    return model->layer_count++;
}

static void fnni_rescale_read(fnn_model *model, const fnni_words *w)
{
    if (w->count == 1 && model->target_count == 0) fnni_rescale(model); /* there is one at most */
}

/* ---- all layers: X(the stem of its page's names) ---- */
/* clang-format off */
#define FNNI_LAYER_LIST(X) \
    X(dense) X(activate) X(dropout) X(spatial_dropout) X(flatten) X(conv2d) X(max_pool) \
    X(average_pool) X(batch_norm) X(add) X(rescale)
/* clang-format on */

/* The type of a layer by its name in files, or NULL. */
static const fnni_layer_type *fnni_layer_named(const char *name)
{
#define FNNI_LAYER_TYPE(stem) &fnni_##stem##_type,
    static const fnni_layer_type *const types[] = {FNNI_LAYER_LIST(FNNI_LAYER_TYPE)};
#undef FNNI_LAYER_TYPE
    size_t i;
    for (i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i]->name, name)) return types[i];
    return NULL;
}

/* ============================================================================
 * >>model  settings, where tensors lie, weights; what a model tells of itself
 * ============================================================================ */

/* What a model gets by default: as many threads as OpenMP would use. */
static fnn_context_config fnni_model_config(const fnn_context_config *given)
{
    fnn_context_config config = fnn_context_config_init();
    config.threads = FNN_THREADS_OPENMP;
    return given ? *given : config;
}

FNNI_COLD FNN_DEF fnn_model *fnn_sequential_with(const fnn_context_config *given, int height,
                                                 int width, int channels)
{
    const fnn_context_config config = fnni_model_config(given);
    const double size = (double)height * (double)width * (double)channels;
    fnn_context context;
    fnn_error error;
    fnn_model *model;
    memset(&error, 0, sizeof error);
    memset(&context, 0, sizeof context);
    if (fnni_context_open(&context, &config, &error)) context.allocator = config.allocator;
    model = (fnn_model *)fnni_allocate(&config.allocator, sizeof *model);
    if (!model) return NULL;
    memset(model, 0, sizeof *model);
    model->context = context;
    model->error = error;
    model->broken = error.code != FNN_OK;
    model->state_kind = -1;
    fnni_initializers_init(&model->weights_start, &model->biases_start);
    model->input.height = height;
    model->input.width = width;
    model->input.channels = channels;
    if (model->broken) return model;
    if (height < 1 || width < 1 || channels < 1 || size > FNNI_LARGEST_LAYER)
        fnni_builder_fail(model, FNN_ERROR_ARGUMENT,
                          "input: expected a shape of 1 to %d numbers, found %d x %d x %d",
                          FNNI_LARGEST_LAYER, height, width, channels);
    else model->inputs = height * width * channels;
    return model;
}

FNN_DEF fnn_model *fnn_sequential(int height, int width, int channels)
{
    return fnn_sequential_with(NULL, height, width, channels);
}

/* The model has no run. */
static void fnni_run_forget(fnn_model *model)
{
    memset(&model->run, 0, sizeof model->run);
    memset(&model->truth, 0, sizeof model->truth);
    model->run_ready = 0;
}

static void fnni_run_free(fnn_model *model)
{
    const fnn_allocator *a = &model->context.allocator;
    fnni_release(a, model->run.activations);
    fnni_release(a, model->run.deltas);
    fnni_release(a, model->run.losses);
    fnni_release(a, model->run.workspace);
    fnni_release(a, model->run.records);
    fnni_release(a, model->run.own);
    fnni_release(a, model->run.plans);
    fnni_release(a, model->truth.labels);
    fnni_release(a, model->truth.targets);
    fnni_release(a, model->truth.weights);
    fnni_release(a, model->truth.rows);
    fnni_run_forget(model);
}

FNNI_COLD FNN_DEF void fnn_model_free(fnn_model *model)
{
    fnn_allocator allocator;
    if (!model) return;
    allocator = model->context.allocator;
    fnni_run_free(model);
#define FNNI_MODEL_RELEASE(type, field, count) fnni_release(&allocator, model->field);
    FNNI_MODEL_ARRAYS(FNNI_MODEL_RELEASE)
#undef FNNI_MODEL_RELEASE
    fnni_context_close(&model->context);
    fnni_release(&allocator, model);
}

/* A copy of count elements, or NULL: of none, or no memory. */
static void *fnni_duplicate(const fnn_allocator *allocator, const void *from, size_t count,
                            size_t element)
{
    void *copy = from ? fnni_allocate(allocator, fnni_times(count, element)) : NULL;
    if (copy) memcpy(copy, from, count * element);
    return copy;
}

/* Gives a copy, which has the model's numbers and no array yet, arrays of its own; 0 when memory is
 * out. */
static int fnni_copy_arrays(fnn_model *copy, const fnn_model *model)
{
    const fnn_allocator *a = &copy->context.allocator;
    int complete = 1;
#define FNNI_MODEL_COPY(type, field, count)                                       \
    copy->field = (type *)fnni_duplicate(a, model->field, (count), sizeof(type)); \
    complete &= copy->field || !model->field || (count) == 0;
    FNNI_MODEL_ARRAYS(FNNI_MODEL_COPY)
#undef FNNI_MODEL_COPY
    copy->layer_capacity = copy->layer_count;
    return complete;
}

FNNI_COLD FNN_DEF fnn_model *fnn_copy(const fnn_model *model, const fnn_context_config *config,
                                      fnn_error *error)
{
    fnn_context context;
    fnn_model *copy;
    if (!model || model->broken) {
        const fnn_error *wrong = fnn_model_error(model);
        fnni_fail(error, wrong->code, "%s", wrong->message);
        return NULL;
    }
    context = model->context;
    context.workspace = NULL;
    context.workspace_count = 0;
    if (config && fnni_context_open(&context, config, error)) return NULL;
    copy = (fnn_model *)fnni_allocate(&context.allocator, sizeof *copy);
    if (copy) {
        *copy = *model; /* the numbers; what follows is what a copy must not share */
        copy->context = context;
        copy->fitting = 0;
        memset(&copy->error, 0, sizeof copy->error);
        fnni_run_forget(copy);
        if (fnni_copy_arrays(copy, model)) return copy;
        fnn_model_free(copy);
    }
    fnni_fail(error, FNN_ERROR_MEMORY, "no memory for a copy of the model");
    return NULL;
}

FNNI_COLD FNN_DEF fnn_result fnn_set_initializer(fnn_model *model, fnn_initializer weights,
                                                 fnn_initializer biases)
{
    const fnn_result result = fnni_begin(model);
    if (result) return result;
    if ((unsigned)weights.kind >= FNN_INITIALIZER_COUNT ||
        (unsigned)biases.kind >= FNN_INITIALIZER_COUNT)
        return fnni_builder_fail(model, FNN_ERROR_ARGUMENT,
                                 "initializer: expected two kinds, found %d and %d",
                                 (int)weights.kind, (int)biases.kind);
    if (!fnni_is_finite(weights.scale) || !fnni_is_finite(biases.scale))
        return fnni_builder_fail(model, FNN_ERROR_ARGUMENT,
                                 "initializer: expected finite scales, found %g and %g",
                                 (double)weights.scale, (double)biases.scale);
    model->weights_start = weights;
    model->biases_start = biases;
    return FNN_OK;
}

static void fnni_draw_weights(fnn_model *model)
{
    int l;
    for (l = 0; l < model->layer_count; l++) {
        const fnni_layer *layer = model->layers + l;
        fnn_real *w = FNNI_AT(model->parameters, layer->offset);
        if (layer->type->start) layer->type->start(model, layer);
        else if (fnni_has_parameters(layer)) {
            fnni_initialize(layer->weights_start, layer->fan_in, layer->fan_out, model->seed,
                            FNNI_STREAM_WEIGHTS + (uint64_t)l, layer->weights, w);
            fnni_initialize(layer->biases_start, layer->fan_in, layer->fan_out, model->seed,
                            FNNI_STREAM_BIASES + (uint64_t)l, layer->biases, w + layer->weights);
        }
    }
}

/* ---- laying out: what runs together, and where tensors are ---- */

/* A stage's layers run in one parallel loop. A new one begins where the whole batch must be there
 * (batch norm's statistics) and where images give way to groups of rows (the first dense layer). */
static void fnni_find_stages(fnn_model *model)
{
    const fnni_layer *layers = model->layers;
    int l, count = 0;
    unsigned seen = 0;
    for (l = 0; l < model->layer_count && !(layers[l].type->flags & FNNI_OF_ROWS); l++)
        seen |= layers[l].type->flags;
    model->spatial = seen & FNNI_OF_IMAGES ? l : 0;
    model->stages[count++] = 0;
    for (l = 0; l < model->layer_count; l++)
        if ((layers[l].type->flags & FNNI_OF_BATCH) || (l > 0 && l == model->spatial))
            model->stages[count++] = l;
    model->stages[count] = model->layer_count;
    model->stage_count = count;
}

/* The last of the layers that share layer l's memory. */
static int fnni_last_alias(const fnn_model *model, int l)
{
    while (l + 1 < model->layer_count && (model->layers[l + 1].type->flags & FNNI_SHARES_INPUT))
        l++;
    return l;
}

/* Whether a later stage, an addition behind the images, the loss or the caller wants layer l's
 * output. */
static int fnni_is_boundary(const fnn_model *model, int l)
{
    const int last = fnni_last_alias(model, l);
    int add;
    for (add = model->spatial; add < model->layer_count; add++)
        if (model->layers[add].from >= l && model->layers[add].from <= last) return 1;
    return last >= model->spatial - 1 || last >= fnni_end(model) - 1;
}

/* Gives a tensor its place; *stored and *scratch count on. */
static fnni_place fnni_place_make(int transient, int outputs, size_t *stored, size_t *scratch)
{
    fnni_place place;
    size_t *at = transient ? scratch : stored;
    place.transient = transient;
    place.at = *at;
    *at = fnni_plus(*at, transient ? fnni_round((size_t)outputs) : (size_t)outputs);
    return place;
}

/* Training stores what the way back reads; inference only what leaves the images' loop. */
static void fnni_find_places(fnn_model *model)
{
    int l;
    model->columns[0] = model->columns[1] = (size_t)model->inputs;
    model->delta_columns = model->scratch[0] = model->scratch[1] = 0;
    for (l = 0; l < model->layer_count; l++) {
        fnni_layer *layer = model->layers + l;
        const int inside = l < model->spatial && !fnni_is_boundary(model, l);
        const unsigned flags = layer->type->flags;
        if (flags & FNNI_SHARES_INPUT) {
            memset(layer->y, 0, sizeof layer->y); /* the input's, at the beginning */
            if (l > 0) memcpy(layer->y, layer[-1].y, sizeof layer->y);
            layer->d =
                l > 0 ? layer[-1].d /* the input has no gradient to share */
                      : fnni_place_make(0, layer->outputs, &model->delta_columns, model->scratch);
            continue;
        }
        layer->y[0] =
            fnni_place_make(layer->absorbed, layer->outputs, model->columns, model->scratch);
        layer->y[1] =
            fnni_place_make(inside, layer->outputs, model->columns + 1, model->scratch + 1);
        layer->d = fnni_place_make(inside && !(flags & FNNI_GRADIENT_KEPT), layer->outputs,
                                   &model->delta_columns, model->scratch);
    }
}

/* Where each layer's parameters and tensors lie. */
static void fnni_lay_out(fnn_model *model)
{
    size_t parameters = 0, statistics = 0, record = 0;
    int l;
    model->work = 0;
    for (l = 0; l < model->layer_count; l++) {
        fnni_layer *layer = model->layers + l;
        layer->offset = parameters;
        parameters = fnni_plus(parameters, fnni_plus(layer->weights, layer->biases));
        layer->record_offset = record;
        record = fnni_plus(record, layer->record);
        layer->statistics_offset = statistics;
        statistics = fnni_plus(statistics, layer->statistics);
        model->work += layer->work;
        if (layer->type->fuse) layer->type->fuse(model, l);
    }
    model->parameter_count = parameters;
    model->statistics_count = statistics;
    model->record_columns = record;
    fnni_find_stages(model);
    fnni_find_places(model);
}

/* A loss absorbs the softmax or sigmoid at the end, but not through a dropout: that of what the
 * dropout leaves would be a second one. */
static fnn_result fnni_check_absorbed(fnn_model *model)
{
    const fnni_layer *layers = model->layers;
    unsigned passed = 0;
    int l = model->layer_count - 1;
    while (l > 0 && (layers[l].type->flags & (FNNI_RANDOM | FNNI_SHARES_INPUT)))
        passed |= layers[l--].type->flags;
    if (!(passed & FNNI_RANDOM) || !fnni_loss_absorbs(fnni_loss_of(model), layers[l].activation))
        return FNN_OK;
    return fnni_model_fail(model, FNN_ERROR_STATE, "layer %d %s: no dropout may follow it under %s",
                           l, fnni_activations[layers[l].activation].word,
                           fnni_loss_of(model)->name);
}

/* Gives an activation that some loss absorbs, and that the last layer does within, a layer of its
 * own at the end: the loss takes what stands before it. The numbers are the same. */
FNNI_COLD static fnn_result fnni_part_activation(fnn_model *model)
{
    fnni_layer *end = model->layers + fnni_end(model);
    const fnn_activation activation = end->activation;
    if (!fnni_has_parameters(end) || !fnni_some_loss_absorbs(activation)) return FNN_OK;
    if (!fnni_layers_grow(model))
        return fnni_model_fail(model, FNN_ERROR_MEMORY, "no memory for layers");
    end = model->layers + fnni_end(model); /* which may have moved */
    end->activation = FNNI_AS_IT_IS;
    fnn_activate(model, activation, end->parameter); /* there is room */
    return FNN_OK;
}

/* Adds the layer that brings outputs to the unit of normalised targets, unless it is there; in a
 * model from a file that has the layer, memory for its numbers. */
FNNI_COLD static fnn_result fnni_close_targets(fnn_model *model)
{
    const fnn_allocator *a = &model->context.allocator;
    const int outputs = fnni_outputs(model);
    int l = 0;
    if (model->target_count == 0) return FNN_OK;
    while (l < model->layer_count && !(model->layers[l].type->flags & FNNI_OF_TARGETS)) l++;
    if (l == model->layer_count && outputs != model->target_count)
        return fnni_model_fail(model, FNN_ERROR_STATE,
                               "targets: expected %d outputs, as many as were normalised, found %d",
                               model->target_count, outputs);
    if (!model->target_shift)
        model->target_shift = fnni_allocate_reals(a, (size_t)model->target_count);
    if (!model->target_scale)
        model->target_scale = fnni_allocate_reals(a, (size_t)model->target_count);
    if (!model->target_shift || !model->target_scale || !fnni_layers_grow(model))
        return fnni_model_fail(model, FNN_ERROR_MEMORY, "no memory for targets");
    if (l == model->layer_count) fnni_rescale(model); /* there is room */
    return FNN_OK;
}

/* Takes the memory of the weights, which the caller fills: the model takes no more layers. */
FNNI_COLD static fnn_result fnni_parameters_make(fnn_model *model)
{
    const fnn_allocator *a = &model->context.allocator;
    fnn_result result = fnni_check_absorbed(model);
    if (!result) result = fnni_part_activation(model);
    if (!result) result = fnni_close_targets(model);
    if (result) return result;
    fnni_release(a, model->stages); /* of a try that failed: layers may have been added since */
    fnni_release(a, model->statistics);
    model->statistics = NULL;
    model->stages = (int *)fnni_allocate(a, (size_t)(model->layer_count + 3) * sizeof(int));
    if (!model->stages) return fnni_model_fail(model, FNN_ERROR_MEMORY, "no memory for stages");
    fnni_lay_out(model);
    if (model->statistics_count > 0)
        model->statistics = fnni_allocate_reals(a, model->statistics_count);
    if (model->statistics_count > 0 && !model->statistics)
        return fnni_model_fail(model, FNN_ERROR_MEMORY, "no memory for statistics");
    if (model->parameter_count > 0) {
        model->parameters = fnni_allocate_reals(a, model->parameter_count);
        if (!model->parameters)
            return fnni_model_fail(model, FNN_ERROR_MEMORY, "no memory for %lu parameters",
                                   (unsigned long)model->parameter_count);
    }
    model->sealed = 1;
    return FNN_OK;
}

/* There is no fit to go on with. */
static void fnni_progress_forget(fnn_model *model)
{
    const fnn_allocator *a = &model->context.allocator;
    fnni_progress *p = &model->progress;
    fnni_release(a, p->average);
    fnni_release(a, p->best);
    fnni_release(a, p->history);
    memset(p, 0, sizeof *p);
}

/* Room for so many epochs in the history that the fit to go on with has; 0 when memory is out. */
static int fnni_history_room(fnn_model *model, int64_t epochs)
{
    const fnn_allocator *a = &model->context.allocator;
    fnni_progress *p = &model->progress;
    const size_t row = FNNI_EPOCH_FIGURES * sizeof *p->history;
    const size_t rows = epochs > 0 ? (size_t)epochs : 1; /* not 0 */
    double *grown;
    if (rows <= p->rows) return 1;
    grown = (double *)fnni_allocate(a, fnni_times(rows, row));
    if (!grown) return 0;
    if (p->history) memcpy(grown, p->history, (size_t)p->epochs * row);
    fnni_release(a, p->history);
    p->history = grown;
    p->rows = rows;
    return 1;
}

/* The weights are new: nothing of what training them has left counts any more. */
static void fnni_training_forget(fnn_model *model)
{
    fnni_progress_forget(model);
    fnni_release(&model->context.allocator, model->state);
    model->state = NULL;
    model->state_kind = -1;
    model->steps = model->updates = model->passes = 0;
    model->run_ready = 0;
}

FNNI_COLD FNN_DEF fnn_result fnn_set_seed(fnn_model *model, uint64_t seed)
{
    const fnn_result result = fnni_begin_outside_fit(model, "seed");
    if (result) return result;
    model->seed = seed;
    if (!model->sealed) return FNN_OK;
    fnni_draw_weights(model);
    fnni_training_forget(model);
    return FNN_OK;
}

/* The layer that a builder's index means: that of the activation which it had to put behind its
 * layer means both, of which one has parameters. */
static int fnni_layer_meant(const fnn_model *model, int l)
{
    const fnni_layer *layer = model->layers + (l > 0 ? l : 0);
    return l > 0 && !fnni_has_parameters(layer) && (layer->type->flags & FNNI_ACTIVATES) &&
                   fnni_activation_apart(layer->activation) && fnni_has_parameters(layer - 1) &&
                   (layer[-1].type->flags & FNNI_ACTIVATES)
               ? l - 1
               : l;
}

/* The layer whose training is to be set. NULL, with a message, for no layer. */
static fnni_layer *fnni_layer_to_set(fnn_model *model, int l)
{
    if (l < 0 || l >= model->layer_count) {
        fnni_builder_fail(model, FNN_ERROR_ARGUMENT, "layer: expected 0 to %d, found %d",
                          model->layer_count - 1, l);
        return NULL;
    }
    model->run_ready = 0; /* the batch under way saw the layer as it was */
    return model->layers + fnni_layer_meant(model, l);
}

FNN_DEF fnn_result fnn_set_trainable(fnn_model *model, int layer, int trainable)
{
    const fnn_result result = fnni_begin(model);
    fnni_layer *meant = result ? NULL : fnni_layer_to_set(model, layer);
    if (meant) meant->frozen = !trainable;
    return result || meant ? result : FNN_ERROR_ARGUMENT;
}

FNN_DEF fnn_result fnn_set_rate_factor(fnn_model *model, int layer, double factor)
{
    const fnn_result result = fnni_begin(model);
    fnni_layer *meant;
    if (result) return result;
    if (!(factor >= 0) || !fnni_is_finite((fnn_real)factor))
        return fnni_builder_fail(model, FNN_ERROR_ARGUMENT,
                                 "rate factor: expected a finite number >= 0, found %g", factor);
    meant = fnni_layer_to_set(model, layer);
    if (meant) meant->rate_factor = (fnn_real)factor;
    return meant ? FNN_OK : FNN_ERROR_ARGUMENT;
}

/* How a normalisation ends: the new arrays take the place of the model's, or are released with what
 * went wrong, which leaves the old ones. A batch under way was of other numbers. */
static fnn_result fnni_normalize_end(fnn_model *model, fnn_result result, fnn_real *shift,
                                     fnn_real *scale, fnn_real **model_shift,
                                     fnn_real **model_scale)
{
    const fnn_allocator *a = &model->context.allocator;
    if (!result) {
        fnn_real *old_shift = *model_shift, *old_scale = *model_scale;
        *model_shift = shift;
        *model_scale = scale;
        shift = old_shift;
        scale = old_scale;
        model->run_ready = 0;
    }
    fnni_release(a, shift);
    fnni_release(a, scale);
    model->broken = result != FNN_OK && !model->sealed;
    return result;
}

FNN_DEF fnn_result fnn_normalize(fnn_model *model, fnn_normalization kind, const fnn_dataset *data)
{
    const fnn_allocator *a = model ? &model->context.allocator : NULL;
    fnn_result result = fnni_begin(model);
    fnn_real *shift, *scale;
    if (result) return result;
    if (!data || !fnni_dataset_holds(data, model->inputs))
        return fnni_builder_fail(model, FNN_ERROR_ARGUMENT,
                                 "normalize: expected data with samples of %d numbers, found %s",
                                 model->inputs, data ? "others" : "none");
    shift = fnni_allocate_reals(a, (size_t)model->inputs);
    scale = fnni_allocate_reals(a, (size_t)model->inputs);
    result = !shift || !scale ? fnni_builder_fail(model, FNN_ERROR_MEMORY, "normalize: no memory")
                              : fnn_normalization_compute(kind, data, shift, scale, &model->error);
    if (!result) model->normalization = kind;
    return fnni_normalize_end(model, result, shift, scale, &model->shift, &model->scale);
}

FNN_DEF fnn_result fnn_normalize_with(fnn_model *model, const fnn_real *shift,
                                      const fnn_real *scale, int count)
{
    const fnn_allocator *a = model ? &model->context.allocator : NULL;
    fnn_result result = fnni_begin(model);
    fnn_real *shifts, *scales;
    if (result) return result;
    if (count != 1 && count != model->input.channels && count != model->inputs)
        return fnni_builder_fail(model, FNN_ERROR_ARGUMENT,
                                 "normalize: expected 1, %d or %d numbers, found %d",
                                 model->input.channels, model->inputs, count);
    shifts = fnni_allocate_reals(a, (size_t)model->inputs);
    scales = fnni_allocate_reals(a, (size_t)model->inputs);
    if (!shifts || !scales)
        result = fnni_builder_fail(model, FNN_ERROR_MEMORY, "normalize: no memory");
    else {
        const int wrong_shift = fnni_normalization_spread(shift, count, 0, model->inputs, shifts);
        const int wrong_scale = fnni_normalization_spread(scale, count, 1, model->inputs, scales);
        if (wrong_shift >= 0 || wrong_scale >= 0)
            result = fnni_builder_fail(
                model, FNN_ERROR_ARGUMENT, "normalize: expected finite numbers, but %s[%d] is not",
                wrong_shift >= 0 ? "shift" : "scale", wrong_shift >= 0 ? wrong_shift : wrong_scale);
    }
    if (!result) model->normalization = fnni_normalization_given;
    return fnni_normalize_end(model, result, shifts, scales, &model->shift, &model->scale);
}

/* The targets of data as if they were features. */
static fnn_dataset fnni_targets_as_features(const fnn_dataset *data)
{
    fnn_dataset table;
    memset(&table, 0, sizeof table);
    table.count = data->count;
    table.height = table.width = 1;
    table.channels = data->target_count;
    table.reals = data->targets;
    table.index = data->index;
    table.rows = data->rows;
    table.allocator = data->allocator;
    return table;
}

/* Shift and scale of the way back. */
static fnn_result fnni_targets_measure(fnn_model *model, fnn_normalization kind,
                                       const fnn_dataset *data, fnn_real *shift, fnn_real *scale)
{
    const fnn_dataset table = fnni_targets_as_features(data);
    fnn_result result = fnn_normalization_compute(kind, &table, shift, scale, &model->error);
    int j;
    for (j = 0; j < data->target_count && !result; j++) {
        scale[j] = 1 / scale[j];
        if (!fnni_is_finite(scale[j]))
            result = fnni_model_fail(model, FNN_ERROR_NUMERIC,
                                     "targets: the scale of target %d is not finite", j);
    }
    return result;
}

FNN_DEF fnn_result fnn_normalize_targets(fnn_model *model, fnn_normalization kind,
                                         const fnn_dataset *data)
{
    const fnn_allocator *a = model ? &model->context.allocator : NULL;
    fnn_result result = fnni_begin(model);
    fnn_real *shift, *scale;
    if (result) return result;
    if (!data || !data->targets || data->target_count < 1 || data->classes)
        return fnni_builder_fail(model, FNN_ERROR_ARGUMENT,
                                 "normalize_targets: expected data with targets and without "
                                 "classes, found %s",
                                 data ? "others" : "none");
    if (model->sealed && data->target_count != model->target_count)
        return fnni_builder_fail(model, FNN_ERROR_STATE,
                                 "normalize_targets: expected a model that is not in use yet or "
                                 "has %d normalised targets, found one with %d",
                                 data->target_count, model->target_count);
    shift = fnni_allocate_reals(a, (size_t)data->target_count);
    scale = fnni_allocate_reals(a, (size_t)data->target_count);
    result = !shift || !scale
                 ? fnni_builder_fail(model, FNN_ERROR_MEMORY, "normalize_targets: no memory")
                 : fnni_targets_measure(model, kind, data, shift, scale);
    if (!result) model->target_count = data->target_count;
    return fnni_normalize_end(model, result, shift, scale, &model->target_shift,
                              &model->target_scale);
}

/* Takes another loss, if sealed layers fit it. Figures of the old one hold no more: fnn_loss must
 * be called again. */
static fnn_result fnni_change_loss(fnn_model *model, fnn_loss_kind kind, int own)
{
    const fnn_loss_kind kind_before = model->loss;
    const int own_before = model->loss_is_own;
    fnn_result result;
    model->loss = kind;
    model->loss_is_own = own;
    result = model->sealed ? fnni_check_absorbed(model) : FNN_OK;
    if (result) {
        model->loss = kind_before;
        model->loss_is_own = own_before;
    } else model->run_ready = model->run_ready ? 1 : 0;
    return result;
}

FNNI_COLD FNN_DEF fnn_result fnn_set_loss(fnn_model *model, fnn_loss_kind kind,
                                          fnn_real label_smoothing, fnn_real epsilon)
{
    fnn_result result = fnni_begin(model);
    if (result) return result;
    if ((unsigned)kind >= FNN_LOSS_COUNT || !(label_smoothing >= 0 && label_smoothing < 1) ||
        !(epsilon >= 0))
        return fnni_builder_fail(
            model, FNN_ERROR_ARGUMENT,
            "loss: expected a kind, smoothing in [0, 1) and epsilon >= 0, found %d, %g, %g",
            (int)kind, (double)label_smoothing, (double)epsilon);
    result = fnni_change_loss(model, kind, 0);
    if (result) return result;
    model->loss_function = NULL;
    model->label_smoothing = label_smoothing;
    model->loss_epsilon = epsilon;
    return FNN_OK;
}

FNNI_COLD FNN_DEF fnn_result fnn_set_loss_function(fnn_model *model, fnn_loss_function function,
                                                   void *user)
{
    fnn_result result = fnni_begin(model);
    if (result) return result;
    result = fnni_change_loss(model, model->loss, function != NULL);
    if (result) return result;
    model->loss_function = function;
    model->loss_user = user;
    return FNN_OK;
}

FNNI_COLD static fnn_result fnni_seal(fnn_model *model)
{
    fnn_result result = fnni_begin(model);
    if (result || model->sealed) return result;
    if (model->layer_count == 0)
        return fnni_model_fail(model, FNN_ERROR_STATE, "the model has no layers");
    result = fnni_parameters_make(model);
    if (result && fnni_rescales(model)) model->layer_count--; /* layers may be added before it */
    if (!result && model->parameter_count > 0) fnni_draw_weights(model);
    return result;
}

FNNI_COLD FNN_DEF fnn_result fnn_seal(fnn_model *model)
{
    return fnni_seal(model);
}

FNNI_COLD FNN_DEF size_t fnn_summary(const fnn_model *model, char *text, size_t size)
{
    size_t length = 0, parameters = 0, frozen = 0;
    int l;
#define FNNI_APPEND(...)                                             \
    length += (size_t)snprintf(length < size ? text + length : NULL, \
                               length < size ? size - length : 0, __VA_ARGS__)
    if (size > 0) text[0] = 0;
    if (!model || model->broken)
        return (size_t)snprintf(text, size, "%s\n", fnn_model_error(model)->message);
    FNNI_APPEND("%-4s %-12s %-12s %14s %12s\n", "", "layer", "activation", "output", "parameters");
    FNNI_APPEND("%-4s %-12s %-12s %4d x %3d x %3d\n", "", "input", "", model->input.height,
                model->input.width, model->input.channels);
    for (l = 0; l < model->layer_count; l++) {
        const fnni_layer *layer = model->layers + l;
        const size_t count = layer->weights + layer->biases;
        const int shown = layer->type->flags & FNNI_ACTIVATES;
        FNNI_APPEND("%-4d %-12s %-12s %4d x %3d x %3d %10lu", l, layer->type->name,
                    shown ? fnni_activations[layer->activation].word : "", layer->shape.height,
                    layer->shape.width, layer->shape.channels, (unsigned long)count);
        if (layer->frozen) FNNI_APPEND("  frozen");
        else if (layer->rate_factor != 1) FNNI_APPEND("  rate x %g", (double)layer->rate_factor);
        FNNI_APPEND("\n");
        parameters += count;
        frozen += layer->frozen ? count : 0;
    }
    FNNI_APPEND("%lu parameters", (unsigned long)parameters);
    if (frozen) FNNI_APPEND(", %lu of them frozen", (unsigned long)frozen);
    FNNI_APPEND("\n");
#undef FNNI_APPEND
    return length;
}

FNNI_COLD FNN_DEF fnn_result fnn_shapes(const fnn_model *model, int input[3], int output[3])
{
    int i;
    if (input) memset(input, 0, 3 * sizeof *input);
    if (output) memset(output, 0, 3 * sizeof *output);
    if (!model || model->broken) return fnn_model_error(model)->code;
    for (i = 0; i < 2; i++) {
        const fnni_shape *s = i == 0 || model->layer_count == 0
                                  ? &model->input
                                  : &model->layers[model->layer_count - 1].shape;
        int *to = i == 0 ? input : output;
        if (!to) continue;
        to[0] = s->height;
        to[1] = s->width;
        to[2] = s->channels;
    }
    return FNN_OK;
}

FNN_DEF fnn_real *fnn_parameters(fnn_model *model, size_t *count)
{
    if (count) *count = 0;
    if (fnni_seal(model)) return NULL;
    if (count) *count = model->parameter_count;
    return model->parameters;
}

static fnn_result fnni_gradients_make(fnn_model *model)
{
    if (model->gradients || model->parameter_count == 0) return FNN_OK;
    model->gradients = fnni_allocate_reals(&model->context.allocator, model->parameter_count);
    if (!model->gradients) return FNN_ERROR_MEMORY;
    model->context.kernels->fill((ptrdiff_t)model->parameter_count, 0, model->gradients);
    return FNN_OK;
}

FNN_DEF fnn_real *fnn_gradients(fnn_model *model, size_t *count)
{
    if (count) *count = 0;
    if (fnni_seal(model)) return NULL;
    if (fnni_gradients_make(model)) {
        fnni_model_fail(model, FNN_ERROR_MEMORY, "no memory for gradients");
        return NULL;
    }
    if (count) *count = model->parameter_count;
    return model->gradients;
}

/* ---- layers and their tensors, looked at ---- */

FNN_DEF int fnn_layer_count(const fnn_model *model)
{
    return model ? model->layer_count : 0;
}

/* Whether there is a layer of that number, or it is the input. */
static int fnni_is_layer(const fnn_model *model, int layer)
{
    return layer >= -1 && layer < fnn_layer_count(model);
}

FNN_DEF const char *fnn_layer_name(const fnn_model *model, int layer)
{
    if (!fnni_is_layer(model, layer)) return "unknown";
    return layer < 0 ? "input" : model->layers[layer].type->name;
}

FNNI_COLD FNN_DEF fnn_result fnn_layer_shape(const fnn_model *model, int layer, int shape[3])
{
    const fnni_shape *s;
    if (shape) memset(shape, 0, 3 * sizeof *shape);
    if (!model || model->broken) return fnn_model_error(model)->code;
    if (!shape || !fnni_is_layer(model, layer)) return FNN_ERROR_ARGUMENT;
    s = layer < 0 ? &model->input : &model->layers[layer].shape;
    shape[0] = s->height;
    shape[1] = s->width;
    shape[2] = s->channels;
    return FNN_OK;
}

/* Tensor number `which` (from 0) of layer l, -1 being the input; returns 0 when there are no more.
 * At most eight a layer: >>file has a bit for each. */
static int fnni_tensor_at(const fnn_model *model, int l, int which, fnni_tensor *t)
{
    size_t shape[3];
    if (l >= 0)
        return model->layers[l].type->tensor && model->layers[l].type->tensor(model, l, which, t);
    shape[0] = (size_t)model->input.height;
    shape[1] = (size_t)model->input.width;
    shape[2] = (size_t)model->input.channels;
    if (!fnni_normalizes(model->normalization) || which > 1) return 0;
    if (which == 0) return fnni_tensor_make(t, model, l, "shift", &model->shift, 0, 3, shape);
    return fnni_tensor_make(t, model, l, "scale", &model->scale, 0, 3, shape);
}

/* The tensor of that name of the layer that is meant; 0 when it has none. */
static int fnni_tensor_named(const fnn_model *model, int layer, const char *name, fnni_tensor *t)
{
    int which;
    layer = fnni_layer_meant(model, layer);
    for (which = 0; fnni_tensor_at(model, layer, which, t); which++)
        if (!strcmp(t->part, name)) return 1;
    return 0;
}

/* What a call on a const model that is not ready returns. The model may be shared: none of these
 * calls leaves a message in it. */
static fnn_result fnni_ready(const fnn_model *model)
{
    if (!model) return FNN_ERROR_MEMORY;
    return model->broken ? model->error.code : model->sealed ? FNN_OK : FNN_ERROR_STATE;
}

/* A tensor that was found, as the caller sees it. */
static void fnni_tensor_show(const fnn_model *model, const fnni_tensor *t, fnn_tensor *shown)
{
    int i;
    shown->name = t->part;
    shown->values = t->values;
    shown->gradient = t->trained ? FNNI_AT(model->gradients, t->offset) : NULL;
    shown->dimensions = t->rank;
    for (i = 0; i < t->rank; i++) shown->shape[i] = (int)t->shape[i];
    shown->count = t->count;
    shown->is_statistic = !t->trained;
}

/* How the two that look begin. */
static fnn_result fnni_tensor_begin(const fnn_model *model, int layer, fnn_tensor *tensor)
{
    const fnn_result result = fnni_ready(model);
    if (tensor) memset(tensor, 0, sizeof *tensor);
    if (result) return result;
    return tensor && fnni_is_layer(model, layer) ? FNN_OK : FNN_ERROR_ARGUMENT;
}

FNN_DEF fnn_result fnn_tensor_at(const fnn_model *model, int layer, int number, fnn_tensor *tensor)
{
    const fnn_result result = fnni_tensor_begin(model, layer, tensor);
    fnni_tensor t;
    if (result) return result;
    if (number < 0 || !fnni_tensor_at(model, layer, number, &t)) return FNN_ERROR_ARGUMENT;
    fnni_tensor_show(model, &t, tensor);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_tensor_get(const fnn_model *model, int layer, const char *name,
                                  fnn_tensor *tensor)
{
    const fnn_result result = fnni_tensor_begin(model, layer, tensor);
    fnni_tensor t;
    if (result) return result;
    if (!name || !fnni_tensor_named(model, layer, name, &t)) return FNN_ERROR_ARGUMENT;
    fnni_tensor_show(model, &t, tensor);
    return FNN_OK;
}

/* Leaves in the model which tensors the layer has, in place of the one that was asked for. */
FNNI_COLD static void fnni_tensor_missing(fnn_model *model, int layer, const char *name)
{
    char have[80] = "none";
    size_t length = 0;
    fnni_tensor t;
    int which;
    if (!fnni_is_layer(model, layer)) {
        fnni_model_fail(model, FNN_ERROR_ARGUMENT,
                        "tensor: expected a layer from -1 to %d, found %d", model->layer_count - 1,
                        layer);
        return;
    }
    layer = fnni_layer_meant(model, layer);
    for (which = 0; length < sizeof have && fnni_tensor_at(model, layer, which, &t); which++)
        length += (size_t)snprintf(have + length, sizeof have - length, "%s%s", which ? ", " : "",
                                   t.part);
    fnni_model_fail(model, FNN_ERROR_ARGUMENT,
                    "layer %d %s: its tensors are %s, but \"%.40s\" was asked for", layer,
                    fnn_layer_name(model, layer), have, name ? name : "NULL");
}

/* Seals the model and finds the tensor; 0 after an error. */
static int fnni_tensor_of(fnn_model *model, int layer, const char *name, size_t *count,
                          fnni_tensor *t)
{
    if (count) *count = 0;
    if (fnni_seal(model)) return 0;
    if (name && fnni_is_layer(model, layer) && fnni_tensor_named(model, layer, name, t)) return 1;
    fnni_tensor_missing(model, layer, name);
    return 0;
}

FNN_DEF fnn_real *fnn_tensor_values(fnn_model *model, int layer, const char *name, size_t *count)
{
    fnni_tensor t;
    if (!fnni_tensor_of(model, layer, name, count, &t)) return NULL;
    if (count) *count = t.count;
    return t.values;
}

FNN_DEF fnn_real *fnn_tensor_gradient(fnn_model *model, int layer, const char *name, size_t *count)
{
    fnni_tensor t;
    if (!fnni_tensor_of(model, layer, name, count, &t)) return NULL;
    if (!t.trained) {
        fnni_model_fail(model, FNN_ERROR_ARGUMENT,
                        "layer %d %s: expected a parameter, found the statistic %s", layer,
                        fnn_layer_name(model, layer), t.part);
        return NULL;
    }
    if (fnni_gradients_make(model)) {
        fnni_model_fail(model, FNN_ERROR_MEMORY, "no memory for gradients");
        return NULL;
    }
    if (count) *count = t.count;
    return model->gradients + t.offset;
}

/* ============================================================================
 * >>step  a batch forward, back, and the update
 * ============================================================================ */

/* ---- gathering ---- */

/* Whether shapes fit; costs nothing. What the arrays hold is fnni_check_samples' business. */
FNNI_COLD static fnn_result fnni_check_data(const fnn_model *model, const fnn_dataset *data,
                                            const char *name, int supervised, fnn_error *error)
{
    const int outputs = fnni_outputs(model);
    if (!data || (!data->bytes && !data->reals))
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "%s: expected samples, found none", name);
    if (!fnni_dataset_holds(data, model->inputs))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "%s: expected samples of %d numbers, found %d x %d x %d", name,
                         model->inputs, data->height, data->width, data->channels);
    if (!supervised) return FNN_OK;
    if (fnni_dataset_check_columns(data, error) || fnni_dataset_check_class_weights(data, error))
        return FNN_ERROR_ARGUMENT;
    if (data->class_weights && data->targets && outputs > 1 &&
        fnni_loss_is_binary(fnni_loss_of(model)))
        return fnni_fail(
            error, FNN_ERROR_ARGUMENT,
            "%s: class_weights need samples with one class each, which several answers "
            "under %s are not: expected weights of the samples",
            name, fnni_loss_of(model)->name);
    if (model->loss_is_own && !model->loss_function)
        return fnni_fail(error, FNN_ERROR_STATE,
                         "%s: expected the loss function that the model had when it was saved "
                         "(fnn_set_loss_function, or fnn_set_loss), found none",
                         name);
    if (data->targets && data->target_count != outputs)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "%s: expected %d targets a sample, found %d",
                         name, outputs, data->target_count);
    if (model->loss_is_own) return FNN_OK; /* it may do without them */
    if (!data->labels && !data->targets)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "%s: expected labels or targets, found neither",
                         name);
    if (fnni_rescales(model) && (!data->targets || data->classes))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "%s: expected targets without classes, which the model normalises, found "
                         "classes",
                         name);
    if (!data->targets && data->classes > fnni_loss_classes(fnni_loss_of(model), outputs))
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "%s: expected at most %d classes, found %d%s",
                         name, fnni_loss_classes(fnni_loss_of(model), outputs), data->classes,
                         outputs == 1 && data->classes == 2
                             ? "; a single output learns two by binary cross-entropy"
                             : "");
    return FNN_OK;
}

/* Whether the loss can learn by a model's outputs at all. */
static fnn_result fnni_check_outputs(const fnn_model *model, fnn_error *error)
{
    const int outputs = fnni_outputs(model);
    if (fnni_rescales(model) && fnni_loss_of(model)->targets != FNNI_TARGET_NUMBERS)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "loss: %s takes no normalised targets: expected a loss of numbers, such "
                         "as mean squared error",
                         fnni_loss_of(model)->name);
    return fnni_loss_check_outputs(fnni_loss_of(model), outputs, error);
}

/* Whether the loss can learn from the samples: looks at every target. */
FNNI_COLD static fnn_result fnni_check_loss(const fnn_model *model, const fnn_dataset *data,
                                            const char *name, fnn_error *error)
{
    const int n = fnni_outputs(model);
    fnn_error wrong;
    fnn_result result = fnni_check_outputs(model, error);
    int64_t i;
    if (result || !data->targets || fnni_loss_takes_any(fnni_loss_of(model))) return result;
    for (i = 0; i < data->count && !result; i++) {
        const size_t row = fnni_dataset_row(data, i);
        if (fnni_weight_of(data, row) > 0)
            result = fnni_loss_check_row(fnni_loss_of(model), data->targets + row * (size_t)n, n,
                                         data->classes, i, &wrong);
    }
    return result ? fnni_fail(error, result, "%s: %s", name, wrong.message) : FNN_OK;
}

/* Shapes, and every label, target and index of the whole set: once a fit or an evaluation. */
static fnn_result fnni_check_all(const fnn_model *model, const fnn_dataset *data, const char *name,
                                 int supervised, fnn_error *error)
{
    fnn_result result = fnni_check_data(model, data, name, supervised, error);
    if (!result) result = fnn_dataset_check(data, error);
    return result || !supervised ? result : fnni_check_loss(model, data, name, error);
}

/* The samples of one batch: their numbers and rows in range. */
static fnn_result fnni_check_samples(const fnn_dataset *data, const int64_t *samples, int count,
                                     fnn_error *error)
{
    const int64_t rows = fnni_dataset_rows(data);
    int i;
    if (count < 1 || (!samples && count > data->count))
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "batch: expected 1 to %ld samples, found %d",
                         (long)data->count, count);
    for (i = 0; i < count; i++) {
        const int64_t sample = samples ? samples[i] : i;
        const int64_t row = sample < 0 || sample >= data->count ? -1
                            : data->index                       ? data->index[sample]
                                                                : sample;
        if (row < 0 || row >= rows)
            return fnni_fail(error, FNN_ERROR_ARGUMENT,
                             "batch: expected samples below %ld, found %ld", (long)data->count,
                             (long)sample);
    }
    return FNN_OK;
}

/* What a loss takes of the rows of one batch: labels and weights in range. */
static fnn_result fnni_check_truth(const fnn_model *model, const fnn_dataset *data,
                                   const int64_t *rows, int count, fnn_error *error)
{
    const int learned = !data->targets && !model->loss_is_own; /* labels are, not targets */
    const int most =
        learned ? fnni_loss_classes(fnni_loss_of(model), fnni_outputs(model)) : data->classes;
    const int classes = data->class_weights && data->classes < most ? data->classes : most;
    int i;
    for (i = 0; i < count; i++) {
        const int64_t row = rows[i];
        if (data->labels && (learned || data->class_weights) &&
            (data->labels[row] < 0 || data->labels[row] >= classes))
            return fnni_fail(error, FNN_ERROR_ARGUMENT,
                             "batch: expected labels below %d, found %ld", classes,
                             (long)data->labels[row]);
        if (!fnni_weight_fits(fnni_weight_of(data, (size_t)row)))
            return fnni_fail(error, FNN_ERROR_ARGUMENT,
                             "batch: expected finite weights >= 0, found %g",
                             (double)fnni_weight_of(data, (size_t)row));
    }
    return FNN_OK;
}

/* Asks for the cache lines of samples first+from..first+to-1: they lie anywhere in memory, which no
 * hardware foresees. Inlined by force: gcc 12 takes a function that only prefetches for one without
 * effect and drops the calls. */
FNNI_FORCE_INLINE void fnni_prefetch_samples(const fnn_dataset *data, const int64_t *samples,
                                             int64_t first, int from, int to)
{
    const size_t bytes = fnni_dataset_features(data) * (data->bytes ? 1 : sizeof(fnn_real));
    const char *start = data->bytes ? (const char *)data->bytes : (const char *)data->reals;
    int i;
    for (i = from; i < to; i++) {
        const char *row = start + (size_t)fnni_data_row(data, samples, first, i) * bytes;
        size_t at;
        for (at = 0; at < bytes; at += 64) FNNI_PREFETCH(row + at);
    }
}

/* The sample of a row, changed as the run's augmenter says. */
static void fnni_gather_augmented(const fnni_run *run, const fnn_dataset *data, size_t row,
                                  const fnn_real *shift, const fnn_real *scale, fnn_real *x)
{
    const size_t n = (size_t)run->model->inputs * row;
    const fnni_warp w = fnni_warp_draw(run->augmenter, data, row);
    fnni_scaler s;
    s.kernels = run->kernels;
    s.data = data;
    s.shift = shift;
    s.scale = scale;
    s.per_element = run->model->shift != NULL;
    s.y = x;
    fnni_warp_sample(
        &s, &w, data->bytes ? (const char *)(data->bytes + n) : (const char *)(data->reals + n));
}

/* Samples first+from..first+to-1 of the list (NULL: of data), normalised, to rows from..to-1. */
static void fnni_gather(const fnni_run *run, const fnn_dataset *data, const int64_t *samples,
                        int64_t first, int from, int to)
{
    const fnn_model *model = run->model;
    const size_t n = (size_t)model->inputs;
    const fnn_real zero = 0, one = 1;
    const fnn_real *shift = model->shift ? model->shift : &zero,
                   *scale = model->scale ? model->scale : &one;
    const int per_element = model->shift != NULL;
    int i;
    for (i = from; i < to; i++) {
        const size_t row = (size_t)fnni_data_row(data, samples, first, i);
        fnn_real *x = fnni_y(run, -1, i, NULL);
        if (run->augmenter) fnni_gather_augmented(run, data, row, shift, scale, x);
        else if (data->bytes)
            run->kernels->from_bytes((ptrdiff_t)n, data->bytes + row * n, per_element, shift, scale,
                                     x);
        else
            run->kernels->from_reals((ptrdiff_t)n, data->reals + row * n, per_element, shift, scale,
                                     x);
    }
}

/* A row's targets (n), normalised where the model does that. */
static void fnni_gather_targets(const fnn_model *model, const fnn_real *targets, int n,
                                fnn_real *to)
{
    int j;
    if (fnni_rescales(model))
        for (j = 0; j < n; j++)
            to[j] = (fnn_real)(((double)targets[j] - (double)model->target_shift[j]) /
                               (double)model->target_scale[j]);
    else memcpy(to, targets, (size_t)n * sizeof *to);
}

/* Labels or targets of the same samples, and weights. */
static void fnni_gather_truth(const fnn_model *model, const fnn_dataset *data,
                              const int64_t *samples, int64_t first, int from, int to,
                              const fnni_truth *truth)
{
    const int outputs = fnni_outputs(model);
    const size_t n = (size_t)outputs;
    int i;
    for (i = from; i < to; i++) {
        const size_t row = (size_t)fnni_data_row(data, samples, first, i);
        if (data->targets)
            fnni_gather_targets(model, data->targets + row * n, outputs,
                                truth->targets + (size_t)i * n);
        if (data->labels) truth->labels[i] = data->labels[row];
        truth->weights[i] = fnni_weight_of(data, row);
    }
}

/* Rows of the data set's arrays of `count` samples from `first` on. */
static void fnni_gather_rows(const fnn_dataset *data, const int64_t *samples, int64_t first,
                             int count, int64_t *rows)
{
    int i;
    for (i = 0; i < count; i++) rows[i] = fnni_data_row(data, samples, first, i);
}

/* Makes a run read what these data have: labels or targets, and weights. */
static void fnni_run_truth(fnni_run *run, const fnn_dataset *data, const fnni_truth *truth)
{
    run->labels = data->labels ? truth->labels : NULL;
    run->targets = data->targets ? truth->targets : NULL;
    run->weights = fnni_is_weighted(data) ? truth->weights : NULL;
    run->origins = truth->rows;
}

/* Whether outputs can be compared with what the data say, as a score does. Under a loss of the
 * user's they need not. */
static int fnni_is_scored(const fnn_model *model, const fnn_dataset *data)
{
    return !model->loss_is_own || data->targets ||
           (data->labels && data->classes <= fnni_outputs(model));
}

/* Layers first..last, and backwards last..first, as far down as a gradient is wanted. */
static void fnni_forward_rows(const fnni_run *run, int first, int last, int from, int to,
                              fnn_real *workspace)
{
    int l;
    for (l = first; l <= last; l++)
        if (fnni_layer_at(run, l)->type->forward)
            fnni_layer_at(run, l)->type->forward(run, l, from, to, workspace);
}

static void fnni_backward_rows(const fnni_run *run, int first, int last, int from, int to,
                               fnn_real *workspace)
{
    const int lowest = fnni_bottom(run);
    int l;
    for (l = last; l >= first && l >= lowest; l--) {
        if (fnni_layer_at(run, l)->type->backward)
            fnni_layer_at(run, l)->type->backward(run, l, from, to, l > lowest, workspace);
        if (l > lowest) fnni_join_branches(run, l - 1, from, to, workspace);
    }
}

static void fnni_prepare_rows(const fnni_run *run, int first, int last, int backward,
                              fnn_real *workspace)
{
    const int lowest = backward ? fnni_bottom(run) + 1 : 0;
    int l;
    for (l = first > lowest ? first : lowest; l <= last; l++)
        if (fnni_layer_at(run, l)->type->prepare)
            fnni_layer_at(run, l)->type->prepare(run, l, backward, workspace);
}

/* run->losses of rows from..to-1, and where there are deltas the gradient at the loss layer. */
static void fnni_loss_rows(const fnni_run *run, int from, int to)
{
    const fnn_model *model = run->model;
    const int l = fnni_loss_layer(model);
    fnni_loss c;
    c.kernels = run->kernels;
    c.rows = to - from;
    c.n = fnni_inputs(run, l);
    c.batch = run->rows;
    c.y = fnni_y(run, l, from, NULL);
    c.labels = run->targets ? NULL : run->labels + from;
    c.targets = run->targets ? run->targets + (size_t)from * (size_t)c.n : NULL;
    c.smoothing = model->label_smoothing;
    c.epsilon = model->loss_epsilon;
    c.losses = run->losses + from;
    c.d = run->deltas && (l >= 0 || run->input_gradient) ? fnni_d(run, l, from, NULL) : NULL;
    fnni_loss_of(model)->all(&c);
    if (run->weights) fnni_loss_weigh(&c, run->weights + from);
}

/* The batch's mean loss by the user's function, and where there are deltas the gradient at the last
 * layer: for the whole batch, on this thread. */
static double fnni_own_loss(const fnni_run *run)
{
    const fnn_model *model = run->model;
    const int last = model->layer_count - 1;
    fnn_loss_batch batch;
    batch.count = run->rows;
    batch.outputs = fnni_outputs(model);
    batch.y = fnni_y(run, last, 0, NULL);
    batch.labels = run->labels;
    batch.targets = run->targets;
    batch.weights = run->weights;
    batch.rows = run->origins;
    return model->loss_function(model->loss_user, &batch,
                                run->deltas ? fnni_d(run, last, 0, NULL) : NULL);
}

static double fnni_mean_loss(const fnni_run *run)
{
    double sum = 0;
    int i;
    for (i = 0; i < run->rows; i++) sum += (double)run->losses[i];
    return sum / run->rows;
}

/* The whole batch's mean loss, built in or the user's; where there are deltas its gradient too. */
static double fnni_batch_loss(const fnni_run *run)
{
    if (run->model->loss_is_own) return fnni_own_loss(run);
    fnni_loss_rows(run, 0, run->rows);
    return fnni_mean_loss(run);
}

/* ---- the step ---- */

/* One batch on its way through the two loops. */
typedef struct fnni_batch {
    fnn_model *model;
    fnni_run *run;
    const fnn_dataset *data;
    const int64_t *samples; /* or NULL */
    int64_t first;
    int ahead; /* samples behind the batch's last that come next, to be prefetched */
    int last;  /* the layer the forward pass ends with, */
    int top;   /* and the one the way back begins with */
    int stage; /* the one being run, */
    int forward, loss, backward; /* and what of it */
    const fnn_fit_config *config;
    const fnni_step *step; /* NULL: gradients only */
} fnni_batch;

static fnn_real *fnni_run_workspace(const fnni_run *run, int part)
{
    return run->workspace ? run->workspace + (size_t)part * run->workspace_count : NULL;
}

/* Rows carried together from the bytes to the loss and back: two tiles' worth, so that what they
 * leave behind is still in the cache when the next layer, or the way back, wants it. */
#define FNNI_GROUP 28

/* Samples of the next group, of the next batch after the last: memory's answer takes as long as a
 * group's products, if asked before them. */
FNNI_FORCE_INLINE void fnni_batch_prefetch(const fnni_batch *b, int from, int to)
{
    const int most = b->run->rows + b->ahead;
    fnni_prefetch_samples(b->data, b->samples, b->first, from < most ? from : most,
                          to < most ? to : most);
}

/* What a stage runs forward, and what backward. Batch norm at a stage's start goes forward with it
 * but backward with the stage before, since between its sums and its gradient lies the batch:
 *     layers       conv pool | norm conv pool | dense dense
 *     forward      stage 0   | stage 1        | stage 2          norm measures in front of stage 1
 *     backward     stage 0        | stage 1   | stage 2          and sums behind stage 1 */
static void fnni_stage_layers(const fnni_batch *b, int backward, int *first, int *last)
{
    const fnn_model *model = b->model;
    const int *starts = model->stages + b->stage;
    const int top = backward ? b->top : b->last;
    const int end = starts[1];
    *first = starts[0];
    *last = end - 1 < top ? end - 1 : top;
    if (!backward) return;
    if (*first < end && (model->layers[*first].type->flags & FNNI_OF_BATCH)) ++*first;
    if (end <= top && (model->layers[end].type->flags & FNNI_OF_BATCH)) *last = end;
}

static int fnni_stage_is_spatial(const fnni_batch *b)
{
    return b->model->stages[b->stage] < b->model->spatial;
}

/* Whether a stage's rows are dealt in whole shares: what convolutions sum over images is summed by
 * share, also where they stand behind a dense layer and go by groups. */
static int fnni_stage_in_shares(const fnni_batch *b)
{
    const int end = b->model->stages[b->stage + 1];
    int l = b->model->stages[b->stage];
    if (fnni_stage_is_spatial(b)) return 1;
    while (l < end && !(b->model->layers[l].type->flags & FNNI_BY_SHARES)) l++;
    return l < end;
}

static void fnni_stage_rows(const fnni_batch *b, int from, int to, fnn_real *workspace)
{
    int first, last;
    if (b->forward) {
        if (b->stage == 0) {
            fnni_gather(b->run, b->data, b->samples, b->first, from, to);
            if (b->config) /* in a loop of the user's own fnn_loss does it */
                fnni_gather_truth(b->model, b->data, b->samples, b->first, from, to,
                                  &b->model->truth);
        }
        fnni_stage_layers(b, 0, &first, &last);
        fnni_forward_rows(b->run, first, last, from, to, workspace);
    }
    if (b->loss) fnni_loss_rows(b->run, from, to);
    if (!b->backward) return;
    fnni_stage_layers(b, 1, &first, &last);
    fnni_backward_rows(b->run, first, last, from, to, workspace);
}

static void fnni_stage_prepare(const fnni_batch *b, fnn_real *workspace)
{
    int first, last;
    fnni_stage_layers(b, 0, &first, &last);
    if (b->forward) fnni_prepare_rows(b->run, first, last, 0, workspace);
    fnni_stage_layers(b, 1, &first, &last);
    if (b->backward) fnni_prepare_rows(b->run, first, last, 1, workspace);
}

/* A part's rows of the batch, image by image or in groups. Whole shares, where there are any: of
 * 100 images in 16 shares three threads have 5, 5 and 6 shares, images 0 to 30, 31 to 61, 62 to
 * 99. */
static void fnni_stage_part(void *argument, int part, int parts)
{
    const fnni_batch *b = (const fnni_batch *)argument;
    const int spatial = fnni_stage_is_spatial(b), rows = b->run->rows;
    const int shares = fnni_stage_in_shares(b) ? fnni_share_count(rows) : parts;
    const int first = (int)((int64_t)rows * (shares * part / parts) / shares);
    const int count = (int)((int64_t)rows * (shares * (part + 1) / parts) / shares) - first;
    const int64_t groups = spatial ? count : (count + FNNI_GROUP - 1) / FNNI_GROUP;
    fnn_real *workspace = fnni_run_workspace(b->run, part);
    int64_t g;
    if (groups > 0) fnni_stage_prepare(b, workspace);
    for (g = 0; g < groups; g++) {
        const int from = first + (int)(count * g / groups);
        const int to = first + (int)(count * (g + 1) / groups);
        const int next = g < groups - 1 ? to : rows + first;
        if (b->forward && b->stage == 0)
            fnni_batch_prefetch(b, next, next + (int)(count / groups) + 1);
        fnni_stage_rows(b, from, to, workspace);
    }
}

static int fnni_stage_parts(const fnni_batch *b, int parts)
{
    const int shares = fnni_share_count(b->run->rows);
    return fnni_stage_in_shares(b) && shares < parts ? shares : parts;
}

/* One stage: in front of it, or behind it on the way back, the sums over the whole batch of the
 * layer that it begins with. */
static void fnni_run_stage(fnni_batch *b, int stage, int parts)
{
    const int first = b->model->stages[stage];
    const fnni_layer_type *type = b->model->layers[first].type;
    b->stage = stage;
    if (b->forward && type->measure) type->measure(b->run, first, parts);
    fnni_parallel(fnni_stage_parts(b, parts), fnni_stage_part, b);
    if (b->backward && type->sum) type->sum(b->run, first, parts);
}

/* The whole way there; with loss, the last stage goes on to the loss and back at once. */
static void fnni_batch_forward(fnni_batch *b, int loss, int parts)
{
    const int stages = b->model->stage_count;
    int stage;
    for (stage = 0; stage < stages; stage++) {
        b->forward = 1;
        b->loss = b->backward = loss && stage == stages - 1;
        fnni_run_stage(b, stage, parts);
    }
}

/* The way back from stage `from`. */
static void fnni_batch_backward(fnni_batch *b, int from, int parts)
{
    int stage;
    b->forward = b->loss = 0;
    b->backward = 1;
    for (stage = from; stage >= 0 && b->model->stages[stage + 1] >= fnni_bottom(b->run); stage--)
        fnni_run_stage(b, stage, parts);
}

/* Updates a layer's parameters first..first+count-1 by their gradients g; penalised ones get
 * l2, l1, decay. */
static void fnni_optimize(const fnni_batch *b, const fnni_layer *layer, size_t first, size_t count,
                          const fnn_real *g, int penalised)
{
    const fnn_model *model = b->model;
    const fnn_optimizer_kind kind = b->config->optimizer.kind;
    const int states = fnni_optimizers[kind].states;
    fnn_real *w = model->parameters + first;
    fnn_real *s = states > 0 ? model->state + first : NULL;
    fnn_real *v = states > 1 ? s + model->parameter_count : NULL;
    const ptrdiff_t n = (ptrdiff_t)count;
    fnni_step step = *b->step;
    step.rate *= layer->rate_factor;
    if (!penalised) step.l2 = step.l1 = step.decay = 0;
    model->context.kernels->optimizer_step(kind, n, &step, w, g, s, v);
}

/* A weight gradient is computed in blocks of about this many reals. Where the optimiser takes each
 * block at once it never goes to memory: one block's space, in the thread's cache, serves all. */
#define FNNI_GRADIENT_BLOCK 16384

static int fnni_gradient_rows(const fnni_layer *layer)
{
    const int rows =
        layer->rows ? (int)(FNNI_GRADIENT_BLOCK / (layer->weights / (size_t)layer->rows)) / 14 * 14
                    : 0;
    return rows < 14 ? 14 : rows;
}

/* Reals of one block, and behind it the biases. */
static size_t fnni_gradient_space(const fnn_model *model)
{
    size_t most = 0;
    int l;
    for (l = 0; l < model->layer_count; l++) {
        const fnni_layer *layer = model->layers + l;
        const size_t width = layer->rows ? layer->weights / (size_t)layer->rows : 0;
        const size_t need = (size_t)fnni_gradient_rows(layer) * width + layer->biases;
        if (need > most) most = need;
    }
    return fnni_round(most);
}

/* Rows from..to-1 of a layer's weights: their gradient, and where there is a step the update. The
 * block that holds the last row does the biases, if there are any. */
static void fnni_batch_block(const fnni_batch *b, const fnni_layer *layer, int l, int from, int to,
                             fnn_real *space)
{
    const size_t width = layer->rows ? layer->weights / (size_t)layer->rows : 0,
                 count = (size_t)(to - from) * width;
    const size_t first = layer->offset + (size_t)from * width,
                 biases = layer->offset + layer->weights;
    const int last = to == layer->rows && layer->biases > 0;
    fnn_real *dw = b->step ? space : b->model->gradients + first;
    fnn_real *db = !last ? NULL : b->step ? space + count : b->model->gradients + biases;
    layer->type->gradient(b->run, l, from, to, dw, db, space + fnni_gradient_space(b->model));
    if (!b->step) return;
    fnni_optimize(b, layer, first, count, dw, 1);
    if (last) fnni_optimize(b, layer, biases, layer->biases, db, b->config->penalize_biases);
}

/* Second loop: a part's share of every layer's weights. */
static void fnni_batch_weights(void *argument, int part, int parts)
{
    const fnni_batch *b = (const fnni_batch *)argument;
    int l, row;
    for (l = 0; l < b->model->layer_count; l++) {
        const fnni_layer *layer = b->model->layers + l;
        const int from = (int)((int64_t)layer->rows * part / parts);
        const int to = (int)((int64_t)layer->rows * (part + 1) / parts);
        const int rows = fnni_gradient_rows(layer);
        if (!fnni_is_trained(layer)) continue;
        for (row = from; row < to; row += rows)
            fnni_batch_block(b, layer, l, row, to - row < rows ? to : row + rows,
                             fnni_run_workspace(b->run, part));
        if (layer->rows == 0 && part == 0) /* biases alone */
            fnni_batch_block(b, layer, l, 0, 0, fnni_run_workspace(b->run, part));
    }
}

/* Update alone, for when the gradient had to be whole first. */
static void fnni_batch_update(void *argument, int part, int parts)
{
    const fnni_batch *b = (const fnni_batch *)argument;
    int l;
    for (l = 0; l < b->model->layer_count; l++) {
        const fnni_layer *layer = b->model->layers + l;
        const size_t from = layer->weights / (size_t)parts * (size_t)part;
        const size_t to = part == parts - 1 ? layer->weights
                                            : layer->weights / (size_t)parts * (size_t)(part + 1);
        if (!fnni_is_trained(layer)) continue; /* a model of others may have no arrays */
        fnni_optimize(b, layer, layer->offset + from, to - from,
                      b->model->gradients + layer->offset + from, 1);
        if (part == parts - 1)
            fnni_optimize(b, layer, layer->offset + layer->weights, layer->biases,
                          b->model->gradients + layer->offset + layer->weights,
                          b->config->penalize_biases);
    }
}

/* What is frozen has no gradient; an earlier batch's may stand there. */
static void fnni_clear_frozen(const fnn_model *model)
{
    int l;
    for (l = 0; l < model->layer_count; l++) {
        const fnni_layer *layer = model->layers + l;
        const size_t count = layer->weights + layer->biases;
        if (layer->frozen && count > 0)
            model->context.kernels->fill((ptrdiff_t)count, 0, model->gradients + layer->offset);
    }
}

/* Norm of the whole gradient: chunks of fixed size in order, whatever the number of threads. */
static double fnni_gradient_norm(const fnn_model *model)
{
    const size_t chunk = 4096;
    double sum = 0;
    size_t i;
    for (i = 0; i < model->parameter_count; i += chunk) {
        const size_t n = model->parameter_count - i < chunk ? model->parameter_count - i : chunk;
        sum += (double)model->context.kernels->dot((ptrdiff_t)n, model->gradients + i,
                                                   model->gradients + i);
    }
    return sqrt(sum);
}

/* Threads for a loop over a batch of this many rows: one where more would cost more
 * than they do. */
#define FNNI_PART_WORK 300000.0 /* multiply-adds of a forward pass */
static int fnni_parts(const fnn_model *model, int rows)
{
    const double work = model->work * rows / FNNI_PART_WORK;
    const int most = work < model->context.threads ? (int)work : model->context.threads;
    return most < 1 ? 1 : most > rows ? rows : most;
}

/* What moves once a step beside the weights: running statistics. */
static void fnni_update_statistics(const fnni_batch *b)
{
    int l;
    for (l = 0; l < b->model->layer_count && b->run->training; l++)
        if (b->model->layers[l].type->update) b->model->layers[l].type->update(b->run, l);
}

/* The constants of the next update, which is counted. */
static fnni_step fnni_step_next(const fnni_batch *b)
{
    b->model->updates++;
    return fnni_step_make(b->config, ++b->model->steps);
}

/* Applies gradients that are whole. */
static void fnni_apply_step(fnni_batch *b, int parts)
{
    fnni_step step = fnni_step_next(b);
    double norm = 0;
    fnni_clear_frozen(b->model);
    if (b->config->clip_norm > 0) norm = fnni_gradient_norm(b->model);
    if (norm > (double)b->config->clip_norm)
        step.gradient_scale = (fnn_real)((double)b->config->clip_norm / norm);
    b->step = &step;
    fnni_parallel(parts, fnni_batch_update, b);
    b->step = NULL;
    fnni_update_statistics(b);
}

/* One whole training step; returns the batch's mean loss. */
static double fnni_train_step(fnni_batch *b)
{
    const int parts = fnni_parts(b->model, b->run->rows), own = b->model->loss_is_own;
    double loss;
    b->last = b->top = fnni_loss_layer(b->model);
    b->run->step = b->model->updates;
    fnni_batch_forward(b, !own, parts);
    if (own) fnni_gather_rows(b->data, b->samples, b->first, b->run->rows, b->model->truth.rows);
    loss = own ? fnni_own_loss(b->run) : fnni_mean_loss(b->run);
    fnni_batch_backward(b, b->model->stage_count - (own ? 1 : 2), parts);
    if (b->config->clip_norm > 0) {
        b->step = NULL;
        fnni_parallel(parts, fnni_batch_weights, b);
        fnni_apply_step(b, parts);
    } else {
        const fnni_step step = fnni_step_next(b);
        b->step = &step;
        fnni_parallel(parts, fnni_batch_weights, b);
        b->step = NULL;
        fnni_update_statistics(b);
    }
    return loss;
}

/* ---- memory of training ---- */

/* Fills in the run's plans and says where in a thread's workspace things are: a block of gradients
 * and space for the products, packed weights, space for images, transient tensors. Returns its
 * reals; *own are those of the run's array. */
static size_t fnni_run_plan(fnni_run *run, int rows, size_t *own)
{
    const fnn_model *model = run->model;
    const int training = !run->inference, lowest = run->to_input ? -1 : fnni_lowest(model);
    size_t first, packed = 0;
    fnni_needs needs;
    fnni_plan counted, *plan;
    int l;
    memset(&needs, 0, sizeof needs);
    needs.rows = rows;
    for (l = 0; l < model->layer_count; l++) {
        plan = run->plans ? run->plans + l : &counted;
        plan->own = needs.own;
        needs.packed[0] = needs.packed[1] = 0;
        if (model->layers[l].type->plan) model->layers[l].type->plan(run, l, plan, &needs);
        plan->packed[0] = packed;
        plan->packed[1] = packed = fnni_plus(packed, fnni_round(needs.packed[0]));
        if (training && l > lowest) packed = fnni_plus(packed, fnni_round(needs.packed[1]));
    }
    first = fnni_plus(fnni_round(needs.product), training ? fnni_gradient_space(model) : 0);
    for (l = 0; run->plans && l < model->layer_count; l++) {
        run->plans[l].packed[0] = fnni_plus(run->plans[l].packed[0], first);
        run->plans[l].packed[1] = fnni_plus(run->plans[l].packed[1], first);
    }
    *own = needs.own;
    run->image = fnni_plus(first, packed);
    run->scratch = fnni_plus(run->image, fnni_round(needs.image));
    return fnni_round(fnni_plus(run->scratch, model->scratch[run->inference]));
}

/* The arrays of a training run; 0 when memory is short. */
static int fnni_run_arrays(fnn_model *model, size_t own)
{
    const fnn_allocator *a = &model->context.allocator;
    const size_t outputs = (size_t)fnni_outputs(model);
    fnni_run *run = &model->run;
    const size_t n = (size_t)run->capacity;
    run->activations = fnni_allocate_reals(a, fnni_times(model->columns[0], n));
    run->deltas = fnni_allocate_reals(a, fnni_plus(fnni_times(model->delta_columns, n), 1));
    run->losses = fnni_allocate_reals(a, n);
    run->records = (uint8_t *)fnni_allocate(a, fnni_plus(fnni_times(model->record_columns, n), 1));
    run->own = fnni_allocate_reals(a, fnni_plus(own, 1));
    model->truth.labels = (int32_t *)fnni_allocate(a, fnni_times(n, sizeof(int32_t)));
    model->truth.targets = fnni_allocate_reals(a, fnni_times(outputs, n));
    model->truth.weights = fnni_allocate_reals(a, n);
    model->truth.rows = (int64_t *)fnni_allocate(a, fnni_times(n, sizeof(int64_t)));
    run->workspace = fnni_allocate_reals(
        a, fnni_plus(fnni_times(run->workspace_count, (size_t)model->context.threads), 1));
    return run->activations && run->deltas && run->losses && run->records && run->own &&
           model->truth.labels && model->truth.targets && model->truth.weights &&
           model->truth.rows && run->workspace;
}

/* Bytes that fnni_run_make asks for: its list and that of fnni_run_arrays. */
static size_t fnni_run_bytes(const fnn_model *model, int rows)
{
    const size_t outputs = (size_t)fnni_outputs(model);
    const size_t n = (size_t)rows, real = sizeof(fnn_real);
    size_t own, space, bytes;
    fnni_run run;
    memset(&run, 0, sizeof run);
    run.model = model;
    run.kernels = model->context.kernels;
    space = fnni_times(fnni_run_plan(&run, rows, &own), (size_t)model->context.threads);
    bytes = fnni_block((size_t)model->layer_count, sizeof *run.plans);
    bytes = fnni_plus(bytes, fnni_block(fnni_times(model->columns[0], n), real));
    bytes = fnni_plus(bytes, fnni_block(fnni_plus(fnni_times(model->delta_columns, n), 1), real));
    bytes = fnni_plus(bytes, fnni_block(n, real));
    bytes = fnni_plus(bytes, fnni_block(fnni_plus(fnni_times(model->record_columns, n), 1), 1));
    bytes = fnni_plus(bytes, fnni_block(fnni_plus(own, 1), real));
    bytes = fnni_plus(bytes, fnni_block(n, sizeof(int32_t)));
    bytes = fnni_plus(bytes, fnni_block(n, sizeof(int64_t)));
    bytes = fnni_plus(bytes, fnni_block(fnni_times(outputs, n), real));
    bytes = fnni_plus(bytes, fnni_block(n, real));
    return fnni_plus(bytes, fnni_block(fnni_plus(space, 1), real));
}

/* Makes the model's training run hold batches of `rows`. */
static fnn_result fnni_run_make(fnn_model *model, int rows)
{
    fnni_run *run = &model->run;
    size_t own;
    if (run->capacity >= rows) return FNN_OK;
    fnni_run_free(model);
    run->model = model;
    run->kernels = model->context.kernels;
    run->capacity = run->rows = rows;
    run->plans = (fnni_plan *)fnni_allocate(&model->context.allocator,
                                            (size_t)model->layer_count * sizeof *run->plans);
    if (run->plans) {
        run->workspace_count = fnni_run_plan(run, rows, &own);
        if (fnni_run_arrays(model, own)) return FNN_OK;
    }
    fnni_run_free(model); /* or capacity would promise rows that are not there */
    return FNN_ERROR_MEMORY;
}

/* Makes the run's workspace hold what the way back to the input takes: weights of the lowest layers
 * are packed for it too. It holds nothing between two passes. */
static fnn_result fnni_run_reach_input(fnn_model *model)
{
    const fnn_allocator *a = &model->context.allocator;
    fnni_run *run = &model->run;
    fnn_real *workspace;
    size_t own;
    if (run->to_input) return FNN_OK;
    run->to_input = 1;
    run->workspace_count = fnni_run_plan(run, run->capacity, &own);
    workspace = fnni_allocate_reals(
        a, fnni_plus(fnni_times(run->workspace_count, (size_t)model->context.threads), 1));
    if (workspace) {
        fnni_release(a, run->workspace);
        run->workspace = workspace;
        return FNN_OK;
    }
    run->to_input = 0; /* as it was */
    run->workspace_count = fnni_run_plan(run, run->capacity, &own);
    return FNN_ERROR_MEMORY;
}

/* The optimiser's state: kept from fit to fit, new when another kind takes over. */
static fnn_result fnni_state_make(fnn_model *model, const fnn_optimizer *optimizer)
{
    const size_t count = fnni_state_count(model, (int)optimizer->kind);
    if (model->state_kind == (int)optimizer->kind) return FNN_OK;
    fnni_release(&model->context.allocator, model->state);
    model->state = NULL;
    model->state_kind = -1;
    model->steps = 0;
    if (count > 0) {
        const int starts = fnni_optimizers[optimizer->kind].traits & FNNI_START;
        model->state = fnni_allocate_reals(&model->context.allocator, count);
        if (!model->state) return FNN_ERROR_MEMORY;
        model->context.kernels->fill((ptrdiff_t)count, starts ? optimizer->start : 0, model->state);
    }
    model->state_kind = (int)optimizer->kind;
    return FNN_OK;
}

/* What a step reads of a configuration. */
static fnn_result fnni_step_check(const fnn_fit_config *c, fnn_error *error)
{
    const fnn_optimizer *o = &c->optimizer;
    if ((unsigned)o->kind >= FNN_OPTIMIZER_COUNT || !(o->learning_rate >= 0))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "optimizer: expected a kind and a rate >= 0, found kind %d, rate %g",
                         (int)o->kind, (double)o->learning_rate);
    if (!(o->beta1 >= 0 && o->beta1 < 1 && o->beta2 >= 0 && o->beta2 < 1))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "optimizer: expected betas in [0, 1), found %g and %g", (double)o->beta1,
                         (double)o->beta2);
    if (!(o->momentum >= 0) || !(o->rho >= 0 && o->rho <= 1) || !(o->epsilon >= 0))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "optimizer: expected momentum and epsilon >= 0 and rho in [0, 1], found "
                         "%g, %g and %g",
                         (double)o->momentum, (double)o->epsilon, (double)o->rho);
    if (!(c->l2 >= 0) || !(c->l1 >= 0) || !(c->clip_norm >= 0) || !(c->clip_value >= 0))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "expected l2, l1, clip_norm and clip_value >= 0, found %g, %g, %g and %g",
                         (double)c->l2, (double)c->l1, (double)c->clip_norm, (double)c->clip_value);
    return FNN_OK;
}

static void fnni_batch_make(fnni_batch *b, fnn_model *model, const fnn_dataset *data,
                            const int64_t *samples)
{
    memset(b, 0, sizeof *b);
    b->model = model;
    b->run = &model->run;
    b->data = data;
    b->samples = samples;
    fnni_run_truth(b->run, data, &model->truth);
}

FNN_DEF fnn_result fnn_forward(fnn_model *model, const fnn_dataset *data, const int64_t *samples,
                               int count, int training)
{
    fnn_result result = fnni_seal(model);
    fnni_batch b;
    if (result) return result;
    model->run_ready = 0;
    result = fnni_check_data(model, data, "data", 0, &model->error);
    if (result) return result;
    result = fnni_check_samples(data, samples, count, &model->error);
    if (result) return result;
    result = fnni_run_make(model, count);
    if (!result) result = fnni_gradients_make(model);
    if (result) return fnni_model_fail(model, result, "forward: no memory");
    model->run.rows = count;
    model->run.training = training;
    model->run.step = model->updates;
    fnni_batch_make(&b, model, data, samples);
    b.last = model->layer_count - 1;
    fnni_gather_rows(data, samples, 0, count, model->truth.rows);
    model->run_data = *data;
    model->run_data.index = NULL; /* samples are rows now */
    model->run_data.count = model->run_data.rows = fnni_dataset_rows(data);
    fnni_batch_forward(&b, 0, fnni_parts(model, count));
    model->run_ready = 1;
    return FNN_OK;
}

FNN_DEF const fnn_real *fnn_outputs(const fnn_model *model)
{
    return model && model->run_ready ? fnni_y(&model->run, model->layer_count - 1, 0, NULL) : NULL;
}

/* The loss against the batch's targets, of which both may have changed since fnn_forward. */
static fnn_result fnni_check_batch(fnn_model *model)
{
    const fnni_run *run = &model->run;
    const int n = fnni_outputs(model);
    fnn_result result = fnni_check_outputs(model, &model->error);
    int i;
    for (i = 0; run->targets && i < run->rows && !result; i++)
        if (!run->weights || run->weights[i] > 0)
            result = fnni_loss_check_row(fnni_loss_of(model), run->targets + (size_t)i * (size_t)n,
                                         n, model->run_data.classes, i, &model->error);
    return result;
}

FNN_DEF fnn_result fnn_loss(fnn_model *model, double *loss)
{
    fnn_result result = fnni_begin(model);
    double mean;
    if (result) return result;
    if (!model->run_ready)
        return fnni_model_fail(model, FNN_ERROR_STATE, "loss: expected fnn_forward first");
    if (fnni_check_data(model, &model->run_data, "loss", 1, &model->error))
        return model->error.code = FNN_ERROR_STATE; /* they may do for outputs alone */
    result = fnni_check_truth(model, &model->run_data, model->truth.rows, model->run.rows,
                              &model->error);
    if (result) return result;
    fnni_gather_truth(model, &model->run_data, model->truth.rows, 0, 0, model->run.rows,
                      &model->truth);
    if ((result = fnni_check_batch(model))) return result;
    mean = fnni_batch_loss(&model->run);
    if (loss) *loss = mean;
    model->run_ready = 2;
    return FNN_OK;
}

/* The way back from the gradient by layer top's output, and the gradients of the weights. */
static void fnni_backward_at(fnn_model *model, int top)
{
    const int parts = fnni_parts(model, model->run.rows);
    fnni_batch b;
    memset(&b, 0, sizeof b);
    b.model = model;
    b.run = &model->run;
    b.top = top;
    fnni_batch_backward(&b, model->stage_count - 1, parts);
    fnni_parallel(parts, fnni_batch_weights, &b);
    fnni_clear_frozen(model);
    model->run_ready = 3;
}

/* The same from the caller's gradient by the outputs (NULL: from the loss's), which must have its
 * forward pass (its loss) behind it. */
static fnn_result fnni_backward(fnn_model *model, const fnn_real *gradient)
{
    const int last = model->layer_count - 1;
    if (!gradient && model->run_ready != 2)
        return fnni_model_fail(model, FNN_ERROR_STATE, "backward: expected fnn_loss first");
    if (!model->run_ready)
        return fnni_model_fail(model, FNN_ERROR_STATE, "backward: expected fnn_forward first");
    if (gradient)
        memcpy(fnni_d(&model->run, last, 0, NULL), gradient,
               (size_t)model->run.rows * (size_t)model->layers[last].outputs * sizeof *gradient);
    fnni_backward_at(model, gradient ? last : fnni_loss_layer(model));
    return FNN_OK;
}

FNN_DEF fnn_result fnn_backward(fnn_model *model)
{
    const fnn_result result = fnni_begin(model);
    return result ? result : fnni_backward(model, NULL);
}

FNN_DEF fnn_result fnn_backward_from(fnn_model *model, const fnn_real *gradient)
{
    const fnn_result result = fnni_begin(model);
    if (result) return result;
    if (!gradient)
        return fnni_model_fail(model, FNN_ERROR_ARGUMENT,
                               "backward: expected a gradient by the outputs, found NULL");
    return fnni_backward(model, gradient);
}

/* From the gradient by the normalised inputs to that by the numbers of the data set. */
static void fnni_gradient_by_data(const fnn_model *model, int rows, fnn_real *gradient)
{
    int i, j;
    for (i = 0; model->scale && i < rows; i++, gradient += model->inputs)
        for (j = 0; j < model->inputs; j++) gradient[j] *= model->scale[j];
}

FNN_DEF fnn_result fnn_backward_to_input(fnn_model *model, const fnn_real *gradient,
                                         fnn_real *input_gradient)
{
    fnn_result result = fnni_begin(model);
    fnni_run *run;
    if (result) return result;
    if (!input_gradient)
        return fnni_model_fail(model, FNN_ERROR_ARGUMENT,
                               "backward: expected an array for the inputs' gradient, found NULL");
    run = &model->run;
    if (run->rows > 0 && (result = fnni_run_reach_input(model)))
        return fnni_model_fail(model, result, "backward: no memory");
    run->input_gradient = input_gradient;
    if (model->run_ready == 2 && !gradient && fnni_loss_layer(model) < 0)
        fnni_loss_rows(run, 0, run->rows); /* a softmax alone: this gradient was not kept */
    result = fnni_backward(model, gradient);
    run->input_gradient = NULL;
    if (!result) fnni_gradient_by_data(model, run->rows, input_gradient);
    return result;
}

FNN_DEF fnn_result fnn_step(fnn_model *model, const fnn_fit_config *config)
{
    fnn_result result = fnni_begin_outside_fit(model, "step");
    fnni_batch b;
    if (result) return result;
    if (!config)
        return fnni_model_fail(model, FNN_ERROR_ARGUMENT,
                               "step: expected a configuration, found NULL");
    if (model->run_ready != 3)
        return fnni_model_fail(model, FNN_ERROR_STATE, "step: expected fnn_backward first");
    result = fnni_step_check(config, &model->error);
    if (result) return result;
    result = fnni_state_make(model, &config->optimizer);
    if (result) return fnni_model_fail(model, result, "step: no memory for the optimiser's state");
    memset(&b, 0, sizeof b);
    b.model = model;
    b.run = &model->run;
    b.config = config;
    fnni_apply_step(&b, fnni_parts(model, model->run.rows));
    model->run_ready = 0;
    return FNN_OK;
}

/* ============================================================================
 * >>inference  prediction, evaluation, metrics
 * ============================================================================ */

/* ---- inference: chunks of fixed size, each carried through all layers by one thread ---- */

#define FNNI_CHUNK \
    112 /* rows: eight tiles of fourteen; the weights are read once for all of them */

typedef struct fnni_inference {
    const fnn_model *model;
    fnn_context *context;
    const fnn_dataset *data;
    size_t per_part;            /* reals of workspace of a part */
    fnn_real *outputs;          /* (count, outputs), or NULL */
    int32_t *classes;           /* (count), or NULL */
    double *sums;               /* FNNI_SUMS a stretch; NULL without evaluation */
    int flip, shift;            /* the views that outputs are the mean of */
    const fnni_augmenter *view; /* the one at work, or NULL: the samples as they are */
    int add;                    /* its outputs are added: it is not the first */
    const fnn_real *computed;   /* (count, outputs) that are there already, or NULL */
} fnni_inference;

static fnni_inference fnni_inference_of(const fnn_model *model, const fnn_dataset *data,
                                        fnn_real *outputs, int32_t *classes)
{
    fnni_inference f;
    memset(&f, 0, sizeof f);
    f.model = model;
    f.data = data;
    f.outputs = outputs;
    f.classes = classes;
    return f;
}

/* The chunks are dealt to at most this many stretches, whatever the number of threads: each adds up
 * its chunks in order, a thread takes whole stretches, and sums need space for no more. */
#define FNNI_STRETCHES 256
#define FNNI_SUMS 4 /* of a stretch: loss, hits, squared error, weights */
#define FNNI_STRETCH_SUMS (FNNI_SUMS * FNNI_STRETCHES * sizeof(double) / sizeof(fnn_real))

static int64_t fnni_chunks(const fnn_dataset *data)
{
    return data->count / FNNI_CHUNK + (data->count % FNNI_CHUNK != 0);
}

static int fnni_stretches(const fnn_dataset *data)
{
    const int64_t chunks = fnni_chunks(data);
    return chunks < FNNI_STRETCHES ? (int)chunks : FNNI_STRETCHES;
}

/* Reals that so many bytes take. */
static size_t fnni_reals_of(size_t bytes)
{
    return fnni_round((bytes + sizeof(fnn_real) - 1) / sizeof(fnn_real));
}

/* Lays a part's run out in `memory` (NULL: only counts): plans, activations, losses, labels,
 * weights, targets, workspace. Returns the reals it takes. */
static size_t fnni_inference_lay_out(fnni_run *run, const fnn_model *model,
                                     const fnni_kernels *kernels, fnni_plan *plans,
                                     fnn_real *memory, fnni_truth *truth)
{
    const size_t outputs = (size_t)fnni_outputs(model);
    const size_t activations = fnni_round(fnni_times(model->columns[1], FNNI_CHUNK));
    size_t shared, own;
    memset(run, 0, sizeof *run);
    run->model = model;
    run->kernels = kernels;
    run->inference = 1;
    run->capacity = run->rows = FNNI_CHUNK;
    run->plans = plans;
    own = fnni_run_plan(run, FNNI_CHUNK, &shared);
    if (memory) {
        run->activations = memory;
        run->losses = run->activations + activations;
        truth->labels = (int32_t *)(void *)(run->losses + FNNI_CHUNK);
        truth->weights = run->losses + 2 * FNNI_CHUNK;
        truth->targets = run->losses + 3 * FNNI_CHUNK;
        run->workspace = truth->targets + fnni_round(outputs * FNNI_CHUNK);
    }
    return fnni_plus(fnni_plus(activations, own),
                     fnni_plus(3 * FNNI_CHUNK, fnni_round(fnni_times(outputs, FNNI_CHUNK))));
}

/* Reals a part needs, its plans first. */
static size_t fnni_inference_reals(const fnn_model *model, const fnni_kernels *kernels)
{
    fnni_truth truth;
    fnni_run run;
    return fnni_plus(fnni_reals_of((size_t)model->layer_count * sizeof(fnni_plan)),
                     fnni_inference_lay_out(&run, model, kernels, NULL, NULL, &truth));
}

/* How many of a row's outputs come before output j: larger, or equal and earlier. A NaN comes
 * before every number, so that a row whose outputs are NaN is never counted as correct. */
static int fnni_rank(const fnn_real *y, int n, int j)
{
    const fnn_real own = y[j];
    int before = own != own, i; /* sums of comparisons: branches would be guessed wrong */
    for (i = 0; i < j; i++) before += !(y[i] < own);
    for (i = j + 1; i < n; i++) before += !(y[i] <= own);
    return before;
}

/* The share of n outputs that are on their target's side: above half where it is above one half. A
 * NaN is on none. */
static double fnni_sides(const fnn_real *y, const fnn_real *targets, int n, double half)
{
    int right = 0, j;
    for (j = 0; j < n; j++)
        right += y[j] == y[j] && ((double)y[j] > half) == (targets[j] > (fnn_real).5);
    return (double)right / n;
}

/* How right row i of a run is, 0 to 1: whether the largest output is at the sample's class, which
 * is the label or, without labels, where the target is largest, as in fnni_class_of; of answers,
 * the share of right ones. */
static double fnni_hit(const fnni_run *run, int i, const fnn_real *y, int n)
{
    const int binary = fnni_loss_is_binary(fnni_loss_of(run->model));
    const fnn_real *targets = run->targets ? run->targets + (size_t)i * (size_t)n : NULL;
    const int32_t *label = run->labels ? run->labels + i : NULL;
    double right = 0;
    int j;
    if (n == 1 && (binary || targets)) {
        const fnn_real t = label ? (fnn_real)*label : *targets;
        return fnni_sides(y, &t, 1, binary ? 0 : .5);
    }
    if (!binary) return fnni_rank(y, n, label ? *label : fnni_argmax(targets, n)) == 0;
    if (targets) return fnni_sides(y, targets, n, 0);
    for (j = 0; j < n; j++) {
        const fnn_real t = (fnn_real)(*label == j);
        right += fnni_sides(y + j, &t, 1, 0);
    }
    return right / n;
}

/* The weight of row i of a run. */
static double fnni_row_weight(const fnni_run *run, int i)
{
    return run->weights ? (double)run->weights[i] : 1;
}

static double fnni_row_weights(const fnni_run *run)
{
    double sum = 0;
    int i;
    for (i = 0; i < run->rows; i++) sum += fnni_row_weight(run, i);
    return sum;
}

/* The weighted sum of fnni_hit over a run's rows. Under a loss of answers y are its logits. */
static double fnni_hits(const fnni_run *run, const fnn_real *y, int n)
{
    double hits = 0;
    int i;
    for (i = 0; i < run->rows; i++)
        hits += fnni_row_weight(run, i) * fnni_hit(run, i, y + (size_t)i * (size_t)n, n);
    return hits;
}

/* Whether a score is an accuracy, and its name. */
static int fnni_scores_hits(const fnn_model *model, const fnn_dataset *data)
{
    return fnni_has_classes(data) || fnni_loss_is_binary(fnni_loss_of(model));
}

static const char *fnni_score_name(const fnn_model *model, const fnn_dataset *data)
{
    return fnni_scores_hits(model, data) ? "accuracy" : "R2";
}

/* The class of a row of outputs y, or of the logits that a loss of answers takes of them. */
static int fnni_class_predicted(const fnn_model *model, const fnn_real *y, const fnn_real *logits,
                                int n)
{
    if (n > 1) return fnni_argmax(y, n);
    return fnni_loss_is_binary(fnni_loss_of(model)) ? *logits > 0 : *y > (fnn_real).5;
}

/* The weighted sum of (y - t)^2 in the targets' own unit, 0 without targets. */
static double fnni_squared_error(const fnni_run *run, const fnn_real *y, int n)
{
    const fnn_real *scale = fnni_rescales(run->model) ? run->model->target_scale : NULL;
    double sum = 0;
    int i, j;
    for (i = 0; run->targets && i < run->rows; i++, y += n) {
        const fnn_real *t = run->targets + (size_t)i * (size_t)n;
        const double w = fnni_row_weight(run, i);
        for (j = 0; j < n && w > 0; j++) {
            const double e = ((double)y[j] - (double)t[j]) * (scale ? (double)scale[j] : 1);
            sum += w * e * e;
        }
    }
    return sum;
}

static void fnni_inference_forward(const fnni_inference *f, fnni_run *run, int64_t first)
{
    const int spatial = f->model->spatial, last = f->model->layer_count - 1;
    int i;
    fnni_gather(run, f->data, NULL, first, 0, run->rows);
    for (i = 0; i < run->rows && spatial > 0; i++)
        fnni_forward_rows(run, 0, spatial - 1, i, i + 1, run->workspace);
    fnni_forward_rows(run, spatial, last, 0, run->rows, run->workspace);
}

static void fnni_inference_chunk(const fnni_inference *f, fnni_run *run, int64_t chunk,
                                 const fnni_truth *truth, double *sums)
{
    const int last = f->model->layer_count - 1, n = fnni_outputs(f->model);
    const int64_t first = chunk * FNNI_CHUNK;
    const fnn_real *y = fnni_y(run, last, 0, NULL);
    const fnn_real *taken = fnni_y(run, fnni_loss_layer(f->model), 0, NULL);
    int i;
    run->rows = f->data->count - first < FNNI_CHUNK ? (int)(f->data->count - first) : FNNI_CHUNK;
    if (f->computed)
        memcpy(fnni_y(run, last, 0, NULL), f->computed + (size_t)first * (size_t)n,
               (size_t)run->rows * (size_t)n * sizeof *y);
    else fnni_inference_forward(f, run, first);
    if (f->outputs && f->add)
        run->kernels->add_scaled((ptrdiff_t)run->rows * n, 1, y,
                                 f->outputs + (size_t)first * (size_t)n);
    else if (f->outputs)
        memcpy(f->outputs + (size_t)first * (size_t)n, y,
               (size_t)run->rows * (size_t)n * sizeof *y);
    for (i = 0; f->classes && i < run->rows; i++)
        f->classes[first + i] = fnni_class_predicted(f->model, y + (size_t)i * (size_t)n,
                                                     taken + (size_t)i * (size_t)n, n);
    if (!sums) return;
    fnni_gather_truth(f->model, f->data, NULL, first, 0, run->rows, truth);
    fnni_gather_rows(f->data, NULL, first, run->rows, truth->rows);
    sums[0] += fnni_batch_loss(run) * run->rows;
    sums[3] += fnni_row_weights(run);
    if (!fnni_is_scored(f->model, f->data)) return;
    sums[1] += fnni_hits(run, fnni_loss_is_binary(fnni_loss_of(f->model)) ? taken : y, n);
    sums[2] += fnni_squared_error(run, fnni_rescales(f->model) ? taken : y, n);
}

static void fnni_inference_part(void *argument, int part, int parts)
{
    const fnni_inference *f = (const fnni_inference *)argument;
    const int64_t chunks = fnni_chunks(f->data);
    const int stretches = fnni_stretches(f->data);
    fnn_real *memory = f->context->workspace + (size_t)part * f->per_part;
    fnni_plan *plans = (fnni_plan *)(void *)memory;
    int64_t rows[FNNI_CHUNK];
    fnni_truth truth;
    fnni_run run;
    int s;
    memory += fnni_reals_of((size_t)f->model->layer_count * sizeof *plans);
    fnni_inference_lay_out(&run, f->model, f->context->kernels, plans, memory, &truth);
    truth.rows = rows;
    run.augmenter = f->view;
    fnni_run_truth(&run, f->data, &truth);
    fnni_prepare_rows(&run, 0, f->model->layer_count - 1, 0, run.workspace);
    for (s = stretches * part / parts; s < stretches * (part + 1) / parts; s++) {
        double *sums = f->sums ? f->sums + FNNI_SUMS * s : NULL;
        int64_t chunk = chunks * s / stretches;
        if (sums) memset(sums, 0, FNNI_SUMS * sizeof *sums);
        for (; chunk < chunks * (s + 1) / stretches; chunk++)
            fnni_inference_chunk(f, &run, chunk, &truth, sums);
    }
}

/* Reals that inference on this many threads takes: each thread's, and behind them the sums. */
static size_t fnni_inference_space(const fnn_model *model, const fnn_context *context)
{
    const size_t part = fnni_inference_reals(model, context->kernels);
    return fnni_plus(fnni_times(part, (size_t)context->threads), FNNI_STRETCH_SUMS);
}

/* The same for an evaluation, which under a loss function of the user's keeps all outputs behind
 * that: it gets one batch after the other when they are there. */
static size_t fnni_evaluation_space(const fnn_model *model, const fnn_context *context,
                                    const fnn_dataset *data)
{
    const size_t space = fnni_inference_space(model, context);
    const size_t outputs = (size_t)fnni_outputs(model);
    if (!model->loss_is_own) return space;
    return fnni_plus(space, fnni_round(fnni_times((size_t)data->count, outputs)));
}

/* Runs f over all chunks. */
static fnn_result fnni_infer(fnni_inference *f, int evaluate)
{
    const int stretches = fnni_stretches(f->data), threads = f->context->threads;
    const int parts = stretches < threads ? stretches : threads;
    const size_t space = fnni_inference_space(f->model, f->context);
    const int own = evaluate && f->model->loss_is_own;
    double *sums;
    if (stretches == 0) return FNN_OK;
    if (!fnni_workspace(f->context,
                        evaluate ? fnni_evaluation_space(f->model, f->context, f->data) : space))
        return FNN_ERROR_MEMORY;
    f->per_part = fnni_inference_reals(f->model, f->context->kernels);
    sums = (double *)(void *)(f->context->workspace + space - FNNI_STRETCH_SUMS);
    f->sums = evaluate && !own ? sums : NULL;
    if (own) f->outputs = f->context->workspace + space;
    fnni_parallel(parts, fnni_inference_part, f);
    if (!own) return FNN_OK;
    f->computed = f->outputs;
    f->outputs = NULL;
    f->sums = sums;
    fnni_inference_part(f, 0, 1);
    return FNN_OK;
}

/* Mean of the outputs over the views, which are added up in one order. */
static fnn_result fnni_infer_views(fnni_inference *f)
{
    static const int moves[5][2] = {{0, 0}, {-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    const int flips = f->flip ? 2 : 1, shifts = f->shift ? 5 : 1;
    const int outputs = fnni_outputs(f->model);
    fnn_result result = FNN_OK;
    fnni_augmenter g;
    int v;
    memset(&g, 0, sizeof g);
    f->view = &g;
    for (v = 0; v < flips * shifts && !result; v++) {
        g.fixed.flip = v >= shifts;
        g.fixed.down = f->shift * moves[v % shifts][0];
        g.fixed.right = f->shift * moves[v % shifts][1];
        f->add = v > 0;
        result = fnni_infer(f, 0);
    }
    f->view = NULL;
    if (!result && v > 1)
        f->context->kernels->scale((ptrdiff_t)f->data->count * outputs, 1 / (fnn_real)v,
                                   f->outputs);
    return result;
}

/* 1 - error / variation. Where targets do not vary it would be -infinity or 0 / 0: then it is 1 if
 * there is no error, else 0, as scikit-learn's r2_score, so that a fold of one sample has a figure
 * that can be meaned and ranked. A NaN stays one. */
static double fnni_r2(double error, double variation)
{
    if (error == 0) return 1;
    return variation == 0 && error > 0 ? 0 : 1 - error / variation;
}

static fnn_result fnni_evaluate(const fnn_model *model, fnn_context *context,
                                const fnn_dataset *data, fnn_metrics *metrics)
{
    double loss = 0, hits = 0, error = 0, weight = 0;
    fnni_inference f = fnni_inference_of(model, data, NULL, NULL);
    fnn_result result;
    int i;
    f.context = context;
    result = fnni_infer(&f, 1);
    if (result) return result;
    for (i = 0; i < fnni_stretches(data); i++) {
        const double *sums = f.sums + FNNI_SUMS * i;
        loss += sums[0];
        hits += sums[1];
        error += sums[2];
        weight += sums[3];
    }
    metrics->count = data->count;
    metrics->loss = loss / (double)data->count;
    metrics->accuracy =
        fnni_scores_hits(model, data) && fnni_is_scored(model, data) ? hits / weight : FNNI_NAN;
    metrics->r2 = data->targets ? fnni_r2(error, fnni_target_variation(data)) : FNNI_NAN;
    metrics->score = fnni_scores_hits(model, data) ? metrics->accuracy : metrics->r2;
    return FNN_OK;
}

/* Runs inference in the caller's context, or in one made for this call. wanted: what the caller
 * gave for the results, which must not be NULL. */
static fnn_result fnni_infer_in(fnni_inference *f, fnn_context *context, const void *wanted,
                                fnn_metrics *metrics)
{
    fnn_context temporary;
    fnn_result result = fnni_ready(f->model);
    if (result) return result;
    if (!wanted) return FNN_ERROR_ARGUMENT;
    result = fnni_check_all(f->model, f->data, "data", metrics != NULL, NULL);
    if (result) return result;
    temporary = f->model->context;
    temporary.workspace = NULL;
    temporary.workspace_count = 0;
    f->context = context ? context : &temporary;
    result = metrics               ? fnni_evaluate(f->model, f->context, f->data, metrics)
             : f->flip || f->shift ? fnni_infer_views(f)
                                   : fnni_infer(f, 0);
    if (!context) fnni_context_close(&temporary);
    return result;
}

FNN_DEF fnn_result fnn_predict(const fnn_model *model, fnn_context *context,
                               const fnn_dataset *data, fnn_real *outputs)
{
    fnni_inference f = fnni_inference_of(model, data, outputs, NULL);
    return fnni_infer_in(&f, context, outputs, NULL);
}

FNN_DEF fnn_result fnn_predict_one(const fnn_model *model, fnn_context *context, const fnn_real *x,
                                   fnn_real *y)
{
    const int inputs = model ? model->inputs : 1;
    const fnn_dataset data = fnn_dataset_table(x, NULL, 1, inputs, 0);
    return fnn_predict(model, context, &data, y);
}

FNN_DEF fnn_result fnn_predict_one_bytes(const fnn_model *model, fnn_context *context,
                                         const uint8_t *x, fnn_real *y)
{
    const int inputs = model ? model->inputs : 1;
    const fnn_dataset data = fnn_dataset_images(x, NULL, 1, 1, 1, inputs, 0);
    return fnn_predict(model, context, &data, y);
}

static void fnni_prefix_release(const fnn_model *prefix, const fnn_allocator *allocator)
{
    fnni_release(allocator, prefix->layers);
    fnni_release(allocator, prefix->stages);
}

/* Makes a model of the first layers, which ends with `last` and shares all but their list: laid out
 * anew, so that this layer's output is stored and no layer behind does its work. */
static fnn_result fnni_prefix_make(fnn_model *prefix, const fnn_model *model, int last,
                                   const fnn_allocator *allocator)
{
    const size_t count = (size_t)last + 1;
    *prefix = *model;
    prefix->layer_count = last + 1;
    prefix->layers = (fnni_layer *)fnni_duplicate(allocator, model->layers,
                                                  (size_t)model->layer_count, sizeof(fnni_layer));
    prefix->stages = (int *)fnni_allocate(allocator, (count + 3) * sizeof(int));
    if (!prefix->layers || !prefix->stages) {
        fnni_prefix_release(prefix, allocator);
        return FNN_ERROR_MEMORY;
    }
    if (last >= 0) prefix->layers[last].absorbed = 0;
    fnni_lay_out(prefix);
    return FNN_OK;
}

FNN_DEF fnn_result fnn_predict_layer(const fnn_model *model, fnn_context *context,
                                     const fnn_dataset *data, int layer, fnn_real *outputs)
{
    const fnn_allocator *allocator = context ? &context->allocator : NULL;
    fnn_result result = fnni_ready(model);
    fnni_inference f;
    fnn_model prefix;
    if (result) return result;
    if (!fnni_is_layer(model, layer)) return FNN_ERROR_ARGUMENT;
    if (!allocator) allocator = &model->context.allocator;
    result = fnni_prefix_make(&prefix, model, layer, allocator);
    if (result) return result;
    f = fnni_inference_of(&prefix, data, outputs, NULL);
    result = fnni_infer_in(&f, context, outputs, NULL);
    fnni_prefix_release(&prefix, allocator);
    return result;
}

FNN_DEF fnn_result fnn_predict_augmented(const fnn_model *model, fnn_context *context,
                                         const fnn_dataset *data, int flip, int shift,
                                         fnn_real *outputs)
{
    fnni_inference f = fnni_inference_of(model, data, outputs, NULL);
    f.flip = flip;
    f.shift = shift;
    if (fnni_ready(model)) return fnni_ready(model);
    if (!data || shift < 0 || (shift > 0 && (shift >= data->height || shift >= data->width)))
        return FNN_ERROR_ARGUMENT;
    if ((flip || shift) &&
        (data->height != model->input.height || data->width != model->input.width))
        return FNN_ERROR_ARGUMENT; /* images as a table */
    return fnni_infer_in(&f, context, outputs, NULL);
}

FNN_DEF fnn_result fnn_predict_classes(const fnn_model *model, fnn_context *context,
                                       const fnn_dataset *data, int32_t *classes)
{
    fnni_inference f = fnni_inference_of(model, data, NULL, classes);
    return fnni_infer_in(&f, context, classes, NULL);
}

FNN_DEF fnn_result fnn_evaluate(const fnn_model *model, fnn_context *context,
                                const fnn_dataset *data, fnn_metrics *metrics)
{
    fnni_inference f = fnni_inference_of(model, data, NULL, NULL);
    if (metrics) memset(metrics, 0, sizeof *metrics);
    return fnni_infer_in(&f, context, metrics, metrics);
}

FNN_DEF fnn_result fnn_reserve(const fnn_model *model, fnn_context *context)
{
    const fnn_result result = fnni_ready(model);
    if (result) return result;
    if (!context) return FNN_ERROR_ARGUMENT;
    return fnni_workspace(context, fnni_inference_space(model, context)) ? FNN_OK
                                                                         : FNN_ERROR_MEMORY;
}

/* What the model keeps of its last fit. */
static size_t fnni_progress_bytes(const fnn_model *model)
{
    const fnni_progress *p = &model->progress;
    const size_t trained = fnni_block(fnni_trained_count(model) + 1, sizeof(fnn_real));
    const size_t figures = fnni_times(p->rows, FNNI_EPOCH_FIGURES);
    const size_t history = p->history ? fnni_block(figures, sizeof *p->history) : 0;
    return fnni_plus(fnni_plus(p->average ? trained : 0, p->best ? trained : 0), history);
}

FNNI_COLD FNN_DEF size_t fnn_memory_size(const fnn_model *model, int batch_size)
{
    size_t bytes, own;
    if (!model || model->broken || !model->sealed) return 0;
    own = fnni_block(model->parameter_count, sizeof(fnn_real));
    bytes = fnni_plus(fnni_block(1, sizeof *model), own);
    bytes = fnni_plus(bytes, fnni_block(model->statistics_count, sizeof(fnn_real)));
    bytes = fnni_plus(bytes, fnni_block((size_t)model->layer_count + 3, sizeof *model->stages));
    bytes = fnni_plus(bytes, fnni_block((size_t)model->layer_capacity, sizeof *model->layers));
    if (model->shift)
        bytes =
            fnni_plus(bytes, fnni_times(2, fnni_block((size_t)model->inputs, sizeof(fnn_real))));
    if (model->target_count)
        bytes = fnni_plus(bytes,
                          fnni_times(2, fnni_block((size_t)model->target_count, sizeof(fnn_real))));
    if (model->class_names.text) bytes = fnni_plus(bytes, fnni_block(model->class_names.bytes, 1));
    if (model->feature_names.text)
        bytes = fnni_plus(bytes, fnni_block(model->feature_names.bytes, 1));
    if (model->notes.text) bytes = fnni_plus(bytes, fnni_block(model->notes.bytes, 1));
    bytes = fnni_plus(bytes, fnni_progress_bytes(model));
    if (batch_size <= 0) return bytes;
    bytes = fnni_plus(bytes, fnni_run_bytes(model, batch_size));
    bytes = fnni_plus(bytes, own); /* gradients, and the optimiser's state */
    return fnni_plus(bytes, fnni_block(fnni_times(model->parameter_count, 2), sizeof(fnn_real)));
}

/* ---- metrics of outputs ---- */

/* Count samples that have labels and nothing else: what the metrics on arrays are given. */
static fnn_dataset fnni_labelled(const int32_t *labels, int64_t count)
{
    return fnn_dataset_table(NULL, labels, count, 0, 0);
}

/* The share of samples, or of their weights, whose label is among the k largest outputs, 0 of none;
 * NaN for a label that none of them is. */
static double fnni_top_k(const fnn_real *outputs, const fnn_dataset *data, int classes, int k)
{
    double hits = 0;
    int64_t i;
    for (i = 0; i < data->count; i++, outputs += classes) {
        const int32_t label = fnn_dataset_label(data, i);
        if (label < 0 || label >= classes) return FNNI_NAN;
        if (fnni_rank(outputs, classes, label) < k)
            hits += (double)fnni_weight_of(data, fnni_dataset_row(data, i));
    }
    return data->count > 0 ? hits / fnni_weight_of_all(data) : 0;
}

/* Adds a sample to the counts; 0 for a class that is none. */
static int fnni_confuse(int64_t *confusion, int classes, int32_t label, int32_t predicted)
{
    if (label < 0 || label >= classes || predicted < 0 || predicted >= classes) return 0;
    confusion[(size_t)label * (size_t)classes + (size_t)predicted]++;
    return 1;
}

static double fnni_r2_of(const fnn_real *outputs, const fnn_dataset *data)
{
    double error = 0;
    int64_t i;
    int j;
    for (i = 0; i < data->count; i++, outputs += data->target_count) {
        const double w = (double)fnni_weight_of(data, fnni_dataset_row(data, i));
        for (j = 0; j < data->target_count && w > 0; j++) {
            const double e = (double)outputs[j] - fnni_target_of(data, i, j);
            error += w * e * e;
        }
    }
    return fnni_r2(error, fnni_target_variation(data));
}

FNN_DEF double fnn_accuracy_on(const fnn_real *outputs, const fnn_dataset *data, int classes)
{
    return fnn_top_k_on(outputs, data, classes, 1);
}

FNN_DEF double fnn_top_k_on(const fnn_real *outputs, const fnn_dataset *data, int classes, int k)
{
    if (!outputs || classes < 1 || k < 1 || fnn_dataset_check(data, NULL)) return FNNI_NAN;
    return fnni_top_k(outputs, data, classes, k);
}

FNN_DEF fnn_result fnn_confusion_on(const fnn_real *outputs, const fnn_dataset *data, int classes,
                                    int64_t *confusion)
{
    size_t bytes;
    int64_t i;
    if (!confusion || classes < 1 ||
        !fnni_multiply((size_t)classes * sizeof *confusion, (size_t)classes, &bytes))
        return FNN_ERROR_ARGUMENT;
    memset(confusion, 0, bytes);
    if (!outputs || fnn_dataset_check(data, NULL)) return FNN_ERROR_ARGUMENT;
    for (i = 0; i < data->count; i++, outputs += classes)
        if (!fnni_confuse(confusion, classes, fnn_dataset_label(data, i),
                          fnni_argmax(outputs, classes))) {
            memset(confusion, 0, bytes);
            return FNN_ERROR_ARGUMENT;
        }
    return FNN_OK;
}

FNN_DEF double fnn_r2_on(const fnn_real *outputs, const fnn_dataset *data, int output_count)
{
    if (!outputs || fnn_dataset_check(data, NULL) || !data->targets ||
        data->target_count != output_count)
        return FNNI_NAN;
    return fnni_r2_of(outputs, data);
}

FNN_DEF double fnn_accuracy(const fnn_real *outputs, const int32_t *labels, int64_t count,
                            int classes)
{
    return fnn_top_k(outputs, labels, count, classes, 1);
}

FNN_DEF double fnn_top_k(const fnn_real *outputs, const int32_t *labels, int64_t count, int classes,
                         int k)
{
    const fnn_dataset data = fnni_labelled(labels, count);
    if (count < 0 || classes < 1 || k < 1 || (count > 0 && (!outputs || !labels))) return FNNI_NAN;
    return fnni_top_k(outputs, &data, classes, k);
}

FNN_DEF double fnn_binary_accuracy(const fnn_real *outputs, const fnn_real *targets, int64_t count,
                                   int output_count, double threshold)
{
    double right = 0;
    int64_t i;
    if (count < 0 || output_count < 1 || (count > 0 && (!outputs || !targets)) ||
        threshold != threshold)
        return FNNI_NAN;
    for (i = 0; i < count; i++, outputs += output_count, targets += output_count)
        right += fnni_sides(outputs, targets, output_count, threshold);
    return count > 0 ? right / (double)count : 0;
}

FNN_DEF fnn_result fnn_confusion(const int32_t *predicted, const int32_t *labels, int64_t count,
                                 int classes, int64_t *confusion)
{
    int64_t i;
    if (!predicted || !labels || !confusion || count < 0 || classes < 1) return FNN_ERROR_ARGUMENT;
    memset(confusion, 0, (size_t)classes * (size_t)classes * sizeof *confusion);
    for (i = 0; i < count; i++)
        if (!fnni_confuse(confusion, classes, labels[i], predicted[i])) return FNN_ERROR_ARGUMENT;
    return FNN_OK;
}

FNN_DEF fnn_result fnn_precision_recall(const int64_t *confusion, int classes, double *precision,
                                        double *recall, double *f1)
{
    int c, j;
    if (!confusion || classes < 1) return FNN_ERROR_ARGUMENT;
    for (c = 0; c < classes; c++) {
        const int64_t *row = confusion + (ptrdiff_t)c * classes;
        const double hits = (double)row[c];
        double labelled = 0, predicted = 0, p, r;
        for (j = 0; j < classes; j++) {
            labelled += (double)row[j];
            predicted += (double)confusion[(ptrdiff_t)j * classes + c];
        }
        p = predicted > 0 ? hits / predicted : 0;
        r = labelled > 0 ? hits / labelled : 0;
        if (precision) precision[c] = p;
        if (recall) recall[c] = r;
        if (f1) f1[c] = p + r > 0 ? 2 * p * r / (p + r) : 0;
    }
    return FNN_OK;
}

FNN_DEF double fnn_r2(const fnn_real *outputs, const fnn_real *targets, int64_t count,
                      int output_count)
{
    const fnn_dataset data = fnn_dataset_regression(NULL, targets, count, 0, output_count);
    if (count < 0 || output_count < 1 || count > INT64_MAX / output_count ||
        (count > 0 && (!outputs || !targets)))
        return FNNI_NAN;
    return fnni_r2_of(outputs, &data);
}

/* ============================================================================
 * >>check  gradients against central differences
 * ============================================================================ */

/* The penalty that l2 and l1 add to the loss. */
static double fnni_penalty(const fnn_model *model, const fnn_fit_config *config)
{
    double squares = 0, sizes = 0;
    int l;
    for (l = 0; l < model->layer_count; l++) {
        const fnni_layer *layer = model->layers + l;
        size_t i;
        for (i = 0; i < layer->weights + (config->penalize_biases ? layer->biases : 0); i++) {
            const double w = (double)model->parameters[layer->offset + i];
            squares += w * w;
            sizes += fabs(w);
        }
    }
    return (double)config->l2 / 2 * squares + (double)config->l1 * sizes;
}

/* The loss with parameter i moved by h. */
static double fnni_loss_moved(fnn_model *model, const fnn_dataset *data,
                              const fnn_fit_config *config, size_t i, double h)
{
    const fnn_real kept = model->parameters[i];
    double loss = FNNI_NAN;
    model->parameters[i] = (fnn_real)((double)kept + h);
    if (!fnn_forward(model, data, NULL, (int)data->count, 1)) fnn_loss(model, &loss);
    loss += fnni_penalty(model, config);
    model->parameters[i] = kept;
    return loss;
}

/* |a - n| / (|a| + |n|) of the parameters first..first+count-1; NaN without any. */
static double fnni_check_tensor(fnn_model *model, const fnn_dataset *data,
                                const fnn_fit_config *config, double h, const fnn_real *gradients,
                                size_t first, size_t count, int penalised)
{
    double difference = 0, a_norm = 0, n_norm = 0;
    size_t i;
    for (i = first; i < first + count; i++) {
        const double w = (double)model->parameters[i];
        const double a = (double)gradients[i] +
                         (penalised ? (double)config->l2 * w + (double)config->l1 * (w > 0   ? 1
                                                                                     : w < 0 ? -1
                                                                                             : 0)
                                    : 0);
        const double n = (fnni_loss_moved(model, data, config, i, h) -
                          fnni_loss_moved(model, data, config, i, -h)) /
                         (2 * h);
        difference += (a - n) * (a - n);
        a_norm += a * a;
        n_norm += n * n;
    }
    if (count == 0) return FNNI_NAN;
    return difference > 0 ? sqrt(difference) / (sqrt(a_norm) + sqrt(n_norm)) : difference;
}

FNN_DEF fnn_result fnn_check_gradients(fnn_model *model, const fnn_dataset *data,
                                       const fnn_fit_config *config, double h,
                                       fnn_gradient_check *report, double *per_tensor)
{
    fnn_result result = fnni_seal(model);
    fnn_real *gradients;
    int l, bias;
    if (report) memset(report, 0, sizeof *report);
    if (result) return result;
    if (!data || !config || !report || !(h > 0) || data->count > INT_MAX)
        return fnni_model_fail(model, FNN_ERROR_ARGUMENT,
                               "check_gradients: expected data, config, report and h > 0");
    if (!(result = fnn_forward(model, data, NULL, (int)data->count, 1)) &&
        !(result = fnn_loss(model, NULL)))
        result = fnn_backward(model);
    if (result) return result;
    gradients =
        fnni_allocate_reals(&model->context.allocator, model->parameter_count + 1); /* not 0 */
    if (!gradients) return fnni_model_fail(model, FNN_ERROR_MEMORY, "check_gradients: no memory");
    if (model->parameter_count > 0)
        memcpy(gradients, model->gradients, model->parameter_count * sizeof *gradients);
    for (l = 0; l < model->layer_count; l++)
        for (bias = 0; bias < 2; bias++) {
            const fnni_layer *layer = model->layers + l;
            const size_t count = layer->frozen ? 0 : bias ? layer->biases : layer->weights;
            const double error = fnni_check_tensor(model, data, config, h, gradients,
                                                   layer->offset + (bias ? layer->weights : 0),
                                                   count, !bias || config->penalize_biases);
            if (per_tensor) per_tensor[2 * l + bias] = error;
            report->checked += (int64_t)count;
            /* a NaN is worse than any number, and nothing is worse than it */
            if (count == 0 || error <= report->worst || report->worst != report->worst) continue;
            report->worst = error;
            report->worst_layer = l;
            report->worst_is_bias = bias;
        }
    fnni_release(&model->context.allocator, gradients);
    model->run_ready = 0;
    return FNN_OK;
}

/* ============================================================================
 * >>data  readers of data sets, a page a format
 * ============================================================================ */

/* ---- inflate (RFC 1951): the decoding tables ---- */

/* A table is indexed by the next bits of the input, lowest first. Its entry says what they mean:
 *   literal    bit 31, the byte in 16..23, the bits to consume in 0..7
 *   length or distance   its base in 16..30, the code's own bits in 8..12, in 0..7 those and the
 *              extra bits that follow the code
 *   subtable   for codes longer than the table's bits: start of the subtable in 16..30, its index
 *              bits in 8..12
 *   end of block, and invalid (no code, or a symbol that must not occur): a flag each */
#define FNNI_ENTRY_LITERAL 0x80000000u
#define FNNI_ENTRY_SPECIAL 0x8000u /* none of literal, length, distance: one of the next three */
#define FNNI_ENTRY_SUBTABLE 0x4000u
#define FNNI_ENTRY_END 0x2000u
#define FNNI_ENTRY_INVALID 0u

/* Index bits of the main tables, and entries with all subtables: the most that any complete code
 * of 288 symbols and 11 bits, or 32 symbols and 8 bits, with codes up to 15 bits can need (found by
 * search; zlib's examples/enough.c does it). fnni_table_build checks all the same. */
#define FNNI_LITERAL_BITS 11
#define FNNI_LITERAL_ENTRIES 2342
#define FNNI_DISTANCE_BITS 8
#define FNNI_DISTANCE_ENTRIES 402
#define FNNI_PRECODE_BITS 7
#define FNNI_PRECODE_ENTRIES 128

typedef enum fnni_alphabet { FNNI_PRECODE, FNNI_LITERALS, FNNI_DISTANCES } fnni_alphabet;

/* RFC 1951, 3.2.5: base and extra bits of length codes 257.. and of distance codes 0.. */
static const uint16_t fnni_length_base[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                              15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                              67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t fnni_length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                              2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t fnni_distance_base[30] = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};

/* The entry for a symbol whose code has (in this table or subtable) `bits` bits. */
static uint32_t fnni_table_entry(fnni_alphabet alphabet, unsigned symbol, unsigned bits)
{
    uint32_t base = 0, extra = 0;
    if (alphabet == FNNI_PRECODE) return (uint32_t)symbol << 16 | bits << 8 | bits;
    if (alphabet == FNNI_DISTANCES) {
        if (symbol >= 30) return FNNI_ENTRY_SPECIAL | FNNI_ENTRY_INVALID;
        base = fnni_distance_base[symbol];
        extra = symbol < 4 ? 0 : symbol / 2 - 1;
    } else {
        if (symbol < 256) return FNNI_ENTRY_LITERAL | (uint32_t)symbol << 16 | bits;
        if (symbol == 256) return FNNI_ENTRY_SPECIAL | FNNI_ENTRY_END | bits;
        if (symbol >= 286) return FNNI_ENTRY_SPECIAL | FNNI_ENTRY_INVALID;
        base = fnni_length_base[symbol - 257];
        extra = fnni_length_extra[symbol - 257];
    }
    return base << 16 | bits << 8 | (bits + extra);
}

/* How many index bits a subtable needs that begins with a code of `length` bits, when count[n]
 * codes of n bits are still to come: as many as fill it up. */
static unsigned fnni_subtable_bits(const unsigned *count, unsigned length, unsigned table_bits)
{
    unsigned bits = length - table_bits;
    int32_t left = (int32_t)1 << bits;
    for (; length < 15; length++, bits++) {
        left -= (int32_t)count[length];
        if (left <= 0) break;
        left *= 2;
    }
    return bits;
}

/* Puts `symbols` in the order of their codes and counts the codes of each length. Returns 0 unless
 * the lengths make a complete prefix code, or, as in zlib, one of no symbol or of a single bit,
 * where `sparse` allows it. */
static int fnni_table_sort(const uint8_t *lengths, unsigned symbols, int sparse, unsigned *count,
                           uint16_t *sorted)
{
    unsigned offset[17], length, symbol, longest = 0;
    int32_t left = 1;
    for (length = 0; length < 16; length++) count[length] = 0;
    for (symbol = 0; symbol < symbols; symbol++) count[lengths[symbol]]++;
    for (length = 1; length < 16; length++) {
        left = left * 2 - (int32_t)count[length];
        if (left < 0) return 0; /* more codes than fit */
        if (count[length]) longest = length;
    }
    if (left > 0 && !(sparse && longest <= 1)) return 0;
    offset[1] = 0;
    for (length = 1; length < 16; length++) offset[length + 1] = offset[length] + count[length];
    for (symbol = 0; symbol < symbols; symbol++)
        if (lengths[symbol]) sorted[offset[lengths[symbol]]++] = (uint16_t)symbol;
    return 1;
}

/* The code after `code` among codes of `length` bits, both with their bits reversed: adds one at
 * the high end and carries downwards. */
static unsigned fnni_next_code(unsigned code, unsigned length)
{
    unsigned bit = 1u << (length - 1);
    while (code & bit) bit >>= 1;
    return bit ? (code & (bit - 1)) + bit : 0;
}

/* Builds the table of a canonical Huffman code from the lengths of its symbols' codes (0: none).
 * Returns 0 when the lengths are no code (see fnni_table_sort). */
static int fnni_table_build(uint32_t *table, unsigned table_bits, unsigned capacity,
                            fnni_alphabet alphabet, const uint8_t *lengths, unsigned symbols)
{
    unsigned count[16], next = 0, used = 1u << table_bits, start = 0, bits = 0, prefix = ~0u, i;
    unsigned code = 0;
    uint16_t sorted[288];
    if (!fnni_table_sort(lengths, symbols, alphabet != FNNI_PRECODE, count, sorted)) return 0;
    for (i = 0; i < used; i++) table[i] = FNNI_ENTRY_SPECIAL | FNNI_ENTRY_INVALID;
    for (symbols -= count[0]; next < symbols; next++) {
        unsigned symbol = sorted[next], length = lengths[symbol];
        if (length <= table_bits) {
            uint32_t entry = fnni_table_entry(alphabet, symbol, length);
            for (i = code; i < 1u << table_bits; i += 1u << length) table[i] = entry;
        } else {
            uint32_t entry = fnni_table_entry(alphabet, symbol, length - table_bits);
            if ((code & ((1u << table_bits) - 1)) != prefix) {
                prefix = code & ((1u << table_bits) - 1);
                bits = fnni_subtable_bits(count, length, table_bits);
                start = used;
                if (capacity - used < 1u << bits) return 0;
                used += 1u << bits;
                table[prefix] =
                    FNNI_ENTRY_SPECIAL | FNNI_ENTRY_SUBTABLE | (uint32_t)start << 16 | bits << 8;
            }
            for (i = code >> table_bits; i < 1u << bits; i += 1u << (length - table_bits))
                table[start + i] = entry;
        }
        count[length]--;
        code = fnni_next_code(code, length);
    }
    return 1;
}

/* ---- inflate: the bit reader ---- */

/* `bits` holds the next `count` bits of the input, lowest first, and possibly more above them,
 * which are then the true next bits (see fnni_bits_fill): looking at them does no harm, consuming
 * them makes count negative, which is how the end of the input is noticed. */
typedef struct fnni_bits {
    const uint8_t *in;
    uint64_t bits;
    int count;
} fnni_bits;

/* Fills up to 56 bits or more without a branch; eight bytes must be readable. Counts only the whole
 * bytes that fit; the bits above will be put there again, the same, by the next fill.
 * (Fabian Giesen, "Reading bits in far too many ways", variant 4.) */
static inline void fnni_bits_fill(fnni_bits *b)
{
    b->bits |= fnni_little_64(b->in) << b->count;
    b->in += (63 - b->count) >> 3;
    b->count |= 56;
}

/* The same byte by byte, up to the end of the input. */
static void fnni_bits_fill_slowly(fnni_bits *b, const uint8_t *end)
{
    while (b->count < 56 && b->in < end) {
        b->bits |= (uint64_t)*b->in++ << b->count;
        b->count += 8;
    }
}

static inline void fnni_bits_consume(fnni_bits *b, unsigned n)
{
    b->bits >>= n;
    b->count -= (int)n;
}

static unsigned fnni_bits_take(fnni_bits *b, unsigned n)
{
    unsigned value = (unsigned)(b->bits & (((uint64_t)1 << n) - 1));
    fnni_bits_consume(b, n);
    return value;
}

/* Looks up the next code. If it leads to a subtable, the bits of the main table are consumed. */
static inline uint32_t fnni_bits_look_up(fnni_bits *b, const uint32_t *table, unsigned table_bits)
{
    uint32_t entry = table[b->bits & ((1u << table_bits) - 1)];
    if (entry & FNNI_ENTRY_SUBTABLE) {
        fnni_bits_consume(b, table_bits);
        entry = table[(entry >> 16) + (b->bits & ((1u << (entry >> 8 & 31)) - 1))];
    }
    return entry;
}

/* Consumes a length or distance (code and extra bits) and returns it. */
static inline unsigned fnni_bits_take_value(fnni_bits *b, uint32_t entry)
{
    unsigned total = entry & 255, code = entry >> 8 & 31;
    unsigned extra = (unsigned)((b->bits & (((uint64_t)1 << total) - 1)) >> code);
    fnni_bits_consume(b, total);
    return (entry >> 16) + extra;
}

/* ---- inflate: blocks ---- */

typedef enum fnni_inflate_status {
    FNNI_INFLATE_MORE,
    FNNI_INFLATE_END,  /* of the block or member */
    FNNI_INFLATE_FULL, /* the output holds out_end - out_begin bytes, and more want in */
    FNNI_INFLATE_WRONG /* `wrong` says what */
} fnni_inflate_status;

/* Decompresses from memory to memory; nothing outside [in, in_end) is read, nothing outside
 * [out_begin, out_end) is read or written. */
typedef struct fnni_inflater {
    fnni_bits b;
    const uint8_t *in_end;
    uint8_t *out_begin, *out, *out_end; /* of the member: matches do not reach before it */
    const char *wrong;
    uint32_t literals[FNNI_LITERAL_ENTRIES];
    uint32_t distances[FNNI_DISTANCE_ENTRIES];
    uint32_t crc[16][256];
} fnni_inflater;

static fnni_inflate_status fnni_inflate_wrong(fnni_inflater *s, const char *what)
{
    s->wrong = what;
    return FNNI_INFLATE_WRONG;
}

static fnni_inflate_status fnni_inflate_truncated(fnni_inflater *s)
{
    return fnni_inflate_wrong(s, "it is truncated");
}

/* A stored block: the bits up to the byte boundary are skipped, then LEN, its complement, bytes. */
static fnni_inflate_status fnni_inflate_stored(fnni_inflater *s)
{
    size_t length, room = (size_t)(s->out_end - s->out);
    s->b.in -= s->b.count >> 3; /* whole bytes that the bit buffer holds go back */
    s->b.bits = 0;
    s->b.count = 0;
    if (s->in_end - s->b.in < 4) return fnni_inflate_truncated(s);
    length = fnni_little_32(s->b.in) & 0xFFFF;
    if (length != (~fnni_little_32(s->b.in) >> 16 & 0xFFFF))
        return fnni_inflate_wrong(s, "a stored block's two lengths disagree");
    s->b.in += 4;
    if ((size_t)(s->in_end - s->b.in) < length) return fnni_inflate_truncated(s);
    if (length) memcpy(s->out, s->b.in, length < room ? length : room);
    s->out += length < room ? length : room;
    s->b.in += length;
    return length <= room ? FNNI_INFLATE_END : FNNI_INFLATE_FULL;
}

/* The tables of RFC 1951, 3.2.6. */
static void fnni_inflate_fixed(fnni_inflater *s)
{
    uint8_t lengths[288];
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    fnni_table_build(s->literals, FNNI_LITERAL_BITS, FNNI_LITERAL_ENTRIES, FNNI_LITERALS, lengths,
                     288);
    memset(lengths, 5, 32);
    fnni_table_build(s->distances, FNNI_DISTANCE_BITS, FNNI_DISTANCE_ENTRIES, FNNI_DISTANCES,
                     lengths, 32);
}

/* Reads the code lengths of a dynamic block, which are run-length coded by a code of their own. */
static fnni_inflate_status fnni_inflate_lengths(fnni_inflater *s, const uint32_t *precode,
                                                uint8_t *lengths, unsigned wanted)
{
    unsigned done = 0;
    while (done < wanted) {
        unsigned symbol, value = 0, repeat = 1;
        fnni_bits_fill_slowly(&s->b, s->in_end);
        symbol = fnni_bits_take_value(&s->b, precode[s->b.bits & (FNNI_PRECODE_ENTRIES - 1)]);
        if (symbol < 16) {
            value = symbol;
        } else if (symbol == 16) {
            if (done == 0) return fnni_inflate_wrong(s, "it repeats a code length before any");
            value = lengths[done - 1];
            repeat = 3 + fnni_bits_take(&s->b, 2);
        } else {
            repeat = symbol == 17 ? 3 + fnni_bits_take(&s->b, 3) : 11 + fnni_bits_take(&s->b, 7);
        }
        if (s->b.count < 0) return fnni_inflate_truncated(s);
        if (repeat > wanted - done) return fnni_inflate_wrong(s, "it has too many code lengths");
        memset(lengths + done, (int)value, repeat);
        done += repeat;
    }
    return FNNI_INFLATE_MORE;
}

/* The tables of a dynamic block (RFC 1951, 3.2.7). */
static fnni_inflate_status fnni_inflate_dynamic(fnni_inflater *s)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[286 + 30];
    uint32_t precode[FNNI_PRECODE_ENTRIES];
    unsigned literals, distances, codes, i;
    fnni_inflate_status status;
    fnni_bits_fill_slowly(&s->b, s->in_end);
    literals = 257 + fnni_bits_take(&s->b, 5);
    distances = 1 + fnni_bits_take(&s->b, 5);
    codes = 4 + fnni_bits_take(&s->b, 4);
    if (s->b.count < 0) return fnni_inflate_truncated(s);
    if (literals > 286 || distances > 30) return fnni_inflate_wrong(s, "it has too many symbols");
    memset(lengths, 0, 19);
    for (i = 0; i < codes; i++) {
        fnni_bits_fill_slowly(&s->b, s->in_end);
        lengths[order[i]] = (uint8_t)fnni_bits_take(&s->b, 3);
        if (s->b.count < 0) return fnni_inflate_truncated(s);
    }
    if (!fnni_table_build(precode, FNNI_PRECODE_BITS, FNNI_PRECODE_ENTRIES, FNNI_PRECODE, lengths,
                          19))
        return fnni_inflate_wrong(s, "its code of code lengths is invalid");
    status = fnni_inflate_lengths(s, precode, lengths, literals + distances);
    if (status != FNNI_INFLATE_MORE) return status;
    if (!lengths[256]) return fnni_inflate_wrong(s, "a block's code has no end");
    if (!fnni_table_build(s->literals, FNNI_LITERAL_BITS, FNNI_LITERAL_ENTRIES, FNNI_LITERALS,
                          lengths, literals) ||
        !fnni_table_build(s->distances, FNNI_DISTANCE_BITS, FNNI_DISTANCE_ENTRIES, FNNI_DISTANCES,
                          lengths + literals, distances))
        return fnni_inflate_wrong(s, "a block's code is invalid");
    return FNNI_INFLATE_MORE;
}

/* Copies a match; may write up to seven bytes beyond it. */
FNNI_HOT static inline uint8_t *fnni_copy_match(uint8_t *out, size_t distance, size_t length)
{
    const uint8_t *from = out - distance;
    uint8_t *const end = out + length;
    if (distance >= 8) {
        do {
            memcpy(out, from, 8);
            out += 8;
            from += 8;
        } while (out < end);
    } else if (distance == 1) {
        memset(out, *from, length);
    } else {
        do {
            *out++ = *from++;
        } while (out < end);
    }
    return end;
}

/* What one turn of the fast loop may read (two fills) and write (four literals, a match of 258,
 * seven bytes beyond it). */
#define FNNI_FAST_INPUT 16
#define FNNI_FAST_OUTPUT (4 + 258 + 7)

/* Decodes while input and output have room for a whole turn. After a fill there are 56 bits: up to
 * three literals of 11 bits and the longest length code of 20. Then a fill for the distance: 28. */
FNNI_HOT static fnni_inflate_status fnni_inflate_fast(fnni_inflater *s)
{
    const uint32_t mask = (1u << FNNI_LITERAL_BITS) - 1;
    const uint8_t *const in_last = s->in_end - FNNI_FAST_INPUT;
    uint8_t *const out_last = s->out_end - FNNI_FAST_OUTPUT;
    uint8_t *out = s->out;
    fnni_bits b = s->b;
    fnni_inflate_status status = FNNI_INFLATE_MORE;
    while (b.in <= in_last && out <= out_last) {
        uint32_t entry;
        unsigned literals, length, distance;
        fnni_bits_fill(&b);
        entry = s->literals[b.bits & mask];
        for (literals = 0; literals < 3 && entry & FNNI_ENTRY_LITERAL; literals++) {
            fnni_bits_consume(&b, entry & 255);
            *out++ = (uint8_t)(entry >> 16);
            entry = s->literals[b.bits & mask];
        }
        if (entry & FNNI_ENTRY_LITERAL) continue;
        entry = fnni_bits_look_up(&b, s->literals, FNNI_LITERAL_BITS);
        if (entry & FNNI_ENTRY_LITERAL) {
            fnni_bits_consume(&b, entry & 255);
            *out++ = (uint8_t)(entry >> 16);
            continue;
        }
        if (entry & FNNI_ENTRY_SPECIAL) {
            status = entry & FNNI_ENTRY_END ? FNNI_INFLATE_END
                                            : fnni_inflate_wrong(s, "it holds an invalid code");
            if (status == FNNI_INFLATE_END) fnni_bits_consume(&b, entry & 255);
            break;
        }
        length = fnni_bits_take_value(&b, entry);
        fnni_bits_fill(&b);
        entry = fnni_bits_look_up(&b, s->distances, FNNI_DISTANCE_BITS);
        if (entry & FNNI_ENTRY_SPECIAL) {
            status = fnni_inflate_wrong(s, "it holds an invalid distance code");
            break;
        }
        distance = fnni_bits_take_value(&b, entry);
        if (distance > (size_t)(out - s->out_begin)) {
            status = fnni_inflate_wrong(s, "a distance reaches before its beginning");
            break;
        }
        out = fnni_copy_match(out, distance, length);
    }
    s->b = b;
    s->out = out;
    return status;
}

/* Decodes one symbol with every check, near the end of input or output. */
static fnni_inflate_status fnni_inflate_slowly(fnni_inflater *s)
{
    uint32_t entry;
    size_t length, distance, room = (size_t)(s->out_end - s->out);
    fnni_bits_fill_slowly(&s->b, s->in_end);
    entry = fnni_bits_look_up(&s->b, s->literals, FNNI_LITERAL_BITS);
    if (entry & FNNI_ENTRY_LITERAL || (entry & FNNI_ENTRY_SPECIAL && entry & FNNI_ENTRY_END)) {
        fnni_bits_consume(&s->b, entry & 255);
        if (s->b.count < 0) return fnni_inflate_truncated(s);
        if (!(entry & FNNI_ENTRY_LITERAL)) return FNNI_INFLATE_END;
        if (room == 0) return FNNI_INFLATE_FULL;
        *s->out++ = (uint8_t)(entry >> 16);
        return FNNI_INFLATE_MORE;
    }
    if (entry & FNNI_ENTRY_SPECIAL)
        return s->b.in == s->in_end ? fnni_inflate_truncated(s)
                                    : fnni_inflate_wrong(s, "it holds an invalid code");
    length = fnni_bits_take_value(&s->b, entry);
    entry = fnni_bits_look_up(&s->b, s->distances, FNNI_DISTANCE_BITS);
    if (entry & FNNI_ENTRY_SPECIAL)
        return s->b.in == s->in_end ? fnni_inflate_truncated(s)
                                    : fnni_inflate_wrong(s, "it holds an invalid distance code");
    distance = fnni_bits_take_value(&s->b, entry);
    if (s->b.count < 0) return fnni_inflate_truncated(s);
    if (distance > (size_t)(s->out - s->out_begin))
        return fnni_inflate_wrong(s, "a distance reaches before its beginning");
    for (; length && room; length--, room--, s->out++) *s->out = s->out[-(ptrdiff_t)distance];
    return length ? FNNI_INFLATE_FULL : FNNI_INFLATE_MORE;
}

/* The codes of a block, up to its end. */
FNNI_HOT static fnni_inflate_status fnni_inflate_codes(fnni_inflater *s)
{
    fnni_inflate_status status = FNNI_INFLATE_MORE;
    while (status == FNNI_INFLATE_MORE) {
        if (s->in_end - s->b.in >= FNNI_FAST_INPUT && s->out_end - s->out >= FNNI_FAST_OUTPUT)
            status = fnni_inflate_fast(s);
        else status = fnni_inflate_slowly(s);
    }
    return status;
}

/* All blocks of a deflate stream; then the input stands at the byte after it. */
FNNI_HOT static fnni_inflate_status fnni_inflate(fnni_inflater *s)
{
    unsigned last = 0, type;
    fnni_inflate_status status = FNNI_INFLATE_END;
    s->b.bits = 0;
    s->b.count = 0;
    while (status == FNNI_INFLATE_END && !last) {
        fnni_bits_fill_slowly(&s->b, s->in_end);
        last = fnni_bits_take(&s->b, 1);
        type = fnni_bits_take(&s->b, 2);
        if (s->b.count < 0) return fnni_inflate_truncated(s);
        if (type == 3) return fnni_inflate_wrong(s, "it has a block of unknown type");
        status = FNNI_INFLATE_MORE;
        if (type == 0) status = fnni_inflate_stored(s);
        else if (type == 1) fnni_inflate_fixed(s);
        else status = fnni_inflate_dynamic(s);
        if (status == FNNI_INFLATE_MORE) status = fnni_inflate_codes(s);
    }
    if (status == FNNI_INFLATE_END) s->b.in -= s->b.count >> 3;
    return status;
}

/* ---- gzip (RFC 1952) ---- */

static int fnni_is_gzip(const uint8_t *bytes, size_t size)
{
    return size >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
}

/* Skips a zero-terminated header field. */
static const uint8_t *fnni_gzip_skip_string(const uint8_t *in, const uint8_t *end)
{
    const uint8_t *zero = in < end ? (const uint8_t *)memchr(in, 0, (size_t)(end - in)) : NULL;
    return zero ? zero + 1 : NULL;
}

/* A member's header: ten bytes, of which time, extra flags and system (4 to 9) mean nothing here,
 * then what the flags announce: 1 text (no meaning), 2 header CRC, 4 extra field, 8 name,
 * 16 comment. */
static fnni_inflate_status fnni_gzip_header(fnni_inflater *s)
{
    const uint8_t *const begin = s->b.in, *const end = s->in_end;
    const uint8_t *in = begin + 10;
    unsigned flags;
    if (!fnni_is_gzip(begin, (size_t)(end - begin)))
        return fnni_inflate_wrong(s, "bytes that are not gzip follow its end");
    if (end - begin < 10) return fnni_inflate_truncated(s);
    flags = begin[3];
    if (begin[2] != 8 || flags & 0xE0)
        return fnni_inflate_wrong(s, "its method or flags are unknown");
    if (flags & 4) {
        if (end - in < 2 || end - in - 2 < in[0] + 256 * in[1]) return fnni_inflate_truncated(s);
        in += 2 + in[0] + 256 * in[1];
    }
    if (flags & 8) in = fnni_gzip_skip_string(in, end);
    if (in && flags & 16) in = fnni_gzip_skip_string(in, end);
    if (!in) return fnni_inflate_truncated(s);
    if (flags & 2) {
        if (end - in < 2) return fnni_inflate_truncated(s);
        if ((fnni_crc(s->crc, 0, begin, (size_t)(in - begin)) & 0xFFFF) != in[0] + 256u * in[1])
            return fnni_inflate_wrong(s, "its header's checksum is wrong");
        in += 2;
    }
    s->b.in = in;
    return FNNI_INFLATE_MORE;
}

static fnni_inflate_status fnni_gzip_member(fnni_inflater *s)
{
    size_t size;
    fnni_inflate_status status = fnni_gzip_header(s);
    if (status != FNNI_INFLATE_MORE) return status;
    s->out_begin = s->out;
    status = fnni_inflate(s);
    if (status != FNNI_INFLATE_END) return status;
    if (s->in_end - s->b.in < 8) return fnni_inflate_truncated(s);
    size = (size_t)(s->out - s->out_begin);
    if (fnni_little_32(s->b.in) != fnni_crc(s->crc, 0, s->out_begin, size))
        return fnni_inflate_wrong(s, "its checksum is wrong");
    if (fnni_little_32(s->b.in + 4) != (size & 0xFFFFFFFFu))
        return fnni_inflate_wrong(s, "its length is wrong");
    s->b.in += 8;
    return FNNI_INFLATE_END;
}

/* Whether nothing but zeros follows, as on tapes and in padded archives: gzip(1) ignores them. */
static int fnni_gzip_padding(const uint8_t *in, const uint8_t *end)
{
    while (in < end && *in == 0) in++;
    return in == end;
}

/* Decompresses a gzip file, all its members, into out[0 .. capacity - 1]; zeros behind the last one
 * are ignored. Returns END and the number of bytes in *size; FULL when there are more than fit (out
 * is full; what follows has not been looked at, nor a checksum); or WRONG with the reason in
 * *wrong. */
static fnni_inflate_status fnni_gunzip(const fnni_file *file, uint8_t *out, size_t capacity,
                                       size_t *size, const char **wrong)
{
    fnni_inflater s;
    fnni_inflate_status status = FNNI_INFLATE_END;
    s.b.in = file->bytes;
    s.in_end = file->bytes + file->size;
    s.out = out;
    s.out_end = out + capacity;
    s.wrong = "";
    fnni_crc_tables(s.crc);
    do status = fnni_gzip_member(&s);
    while (status == FNNI_INFLATE_END && !fnni_gzip_padding(s.b.in, s.in_end));
    *size = (size_t)(s.out - out);
    *wrong = s.wrong;
    return status;
}

/* Replaces a gzip file of unknown contents by what it holds. Its last four bytes tell the length
 * (modulo 2^32, of the last member), which is believed as far as the file can hold it; if it was
 * too little, all is done again with twice the room. */
static fnn_result fnni_file_expand(fnni_file *file, const char *path,
                                   const fnn_allocator *allocator, fnn_error *error)
{
    fnni_inflate_status status = FNNI_INFLATE_FULL;
    const char *wrong = "";
    size_t capacity = 0;
    fnni_file text = {NULL, 0};
    if (file->size >= 18) capacity = fnni_little_32(file->bytes + file->size - 4);
    if (capacity / FNNI_DEFLATE_RATIO > file->size) capacity = file->size * FNNI_DEFLATE_RATIO;
    if (capacity < 4096) capacity = 4096;
    for (;;) {
        text.bytes = (uint8_t *)fnni_allocate(allocator, capacity);
        if (!text.bytes) return fnni_fail_memory(error, path, capacity);
        status = fnni_gunzip(file, text.bytes, capacity, &text.size, &wrong);
        if (status == FNNI_INFLATE_END) break;
        fnni_file_release(&text, allocator);
        if (status == FNNI_INFLATE_WRONG)
            return fnni_fail(error, FNN_ERROR_FORMAT, "%s: bad gzip file: %s", fnni_path_tail(path),
                             wrong);
        if (capacity > FNNI_MAX_FILE_BYTES / 2)
            return fnni_fail(error, FNN_ERROR_FORMAT, "%s: holds more than the limit of %llu bytes",
                             fnni_path_tail(path), (unsigned long long)FNNI_MAX_FILE_BYTES);
        capacity *= 2;
    }
    fnni_file_release(file, allocator);
    *file = text;
    return FNN_OK;
}

/* ---- what turns up in place of data ---- */

/* How such a file begins, letters in lower case, and what it is; X(beginning, what). All fit
 * into FNNI_PEEK bytes. */
/* clang-format off */
#define FNNI_WEB_PAGE "a web page: the download was refused or led elsewhere"
#define FNNI_IMPOSTOR_LIST(X) \
    X("<!doctype html", FNNI_WEB_PAGE) \
    X("<html", FNNI_WEB_PAGE) \
    X("<?xml", "an XML page: the download was refused or led elsewhere") \
    X("version https://git-lfs", "a Git LFS pointer in place of the file: git lfs pull gets that") \
    X("pk\003\004", "a ZIP archive: unpack it first") \
    X("\377\376", "UTF-16 text: save it as UTF-8") \
    X("\376\377", "UTF-16 text: save it as UTF-8")
/* clang-format on */
#define FNNI_PEEK 64 /* bytes at a file's beginning that are looked at */

/* Whether bytes begin as the text does, which has no capital letters, in upper or lower case. */
static int fnni_begins(const uint8_t *bytes, size_t size, const char *text)
{
    for (; *text; text++, bytes++, size--)
        if (size == 0 || (*bytes | (*bytes >= 'A' && *bytes <= 'Z' ? 32 : 0)) != (uint8_t)*text)
            return 0;
    return 1;
}

/* What a file that begins so is, when that is something that turns up in place of data, else
 * NULL. */
static const char *fnni_impostor(const uint8_t *bytes, size_t size)
{
#define FNNI_IMPOSTOR(beginning, what) {beginning, what},
    static const struct {
        const char *beginning, *what;
    } impostors[] = {FNNI_IMPOSTOR_LIST(FNNI_IMPOSTOR)};
#undef FNNI_IMPOSTOR
    const size_t peek = size < FNNI_PEEK ? size : FNNI_PEEK;
    size_t at = 0, i;
    if (size == 0) return "an empty file";
    if (fnni_begins(bytes, size, "\xEF\xBB\xBF")) at = 3;
    while (at < peek && strchr(" \t\r\n", bytes[at]) && bytes[at]) at++;
    for (i = 0; i < sizeof impostors / sizeof impostors[0]; i++)
        if (fnni_begins(bytes + at, size - at, impostors[i].beginning)) return impostors[i].what;
    return NULL;
}

/* A whole file, unpacked if it is gzip; empty on failure. */
static fnn_result fnni_data_read(fnni_file *file, const char *path, const fnn_allocator *allocator,
                                 fnn_error *error)
{
    fnn_result result = fnni_file_read(file, path, allocator, error);
    if (result == FNN_OK && fnni_is_gzip(file->bytes, file->size))
        result = fnni_file_expand(file, path, allocator, error);
    if (result != FNN_OK) fnni_file_release(file, allocator);
    return result;
}

/* ---- words of a file in messages ---- */

#define FNNI_SHOWN 36 /* room for at most 32 bytes of a word, dots and a zero */

/* The length of the UTF-8 character that begins at p and is no control character, else 0. */
static size_t fnni_utf8_length(const uint8_t *p, size_t available)
{
    static const uint32_t least[5] = {0, ' ', 0xA0, 0x800, 0x10000}; /* of so many bytes */
    const size_t length = *p < 0x80 ? 1 : *p < 0xC2 ? 0 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
    uint32_t code = length > 1 ? *p & (0x7Fu >> length) : *p;
    size_t i;
    if (length == 0 || length > available || *p > 0xF4 || *p == 0x7F) return 0;
    for (i = 1; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (p[i] & 0x3Fu);
    }
    if (code >= 0xD800 && code < 0xE000) return 0; /* halves of UTF-16 pairs */
    return code < least[length] || code > 0x10FFFF ? 0 : length;
}

/* A word of a file as a message may show it: its beginning, with ? for each byte that is a control
 * character or no UTF-8, which a terminal might obey. */
static const char *fnni_shown(const char *text, size_t length, char *shown)
{
    size_t from = 0, to = 0;
    while (from < length) {
        size_t bytes = fnni_utf8_length((const uint8_t *)text + from, length - from), i;
        const int wrong = bytes == 0;
        if (wrong) bytes = 1;
        if (to + bytes > FNNI_SHOWN - 4) break;
        for (i = 0; i < bytes; i++) shown[to++] = wrong ? '?' : text[from++];
        from += (size_t)wrong;
    }
    shown[to] = 0;
    if (from < length) memcpy(shown + to, "...", 4);
    return shown;
}

/* ---- classes and categories: what occurs, numbered in order ---- */

/* The class or category of a row before it is numbered: a number or a text. */
typedef struct fnni_term {
    int64_t number; /* 0 for a text */
    const char *text;
    size_t length;     /* 0 for a number */
    int64_t row, line; /* in the arrays, and in the file for messages */
    int32_t code;      /* what it becomes */
} fnni_term;

/* The terms of a column of a file, and what messages say of them. */
typedef struct fnni_terms {
    const char *path, *what, *place; /* "class" or "category", on which "line" or "label" */
    fnni_term *term;                 /* (count) */
    int64_t count;
    int32_t codes; /* how many numbers are given out */
    int32_t most;  /* that may be */
    size_t prefix; /* characters of given names before the words */
    fnn_error *error;
} fnni_terms;

/* By number, then by text as strcmp would. */
static int fnni_term_order(const fnni_term *a, const fnni_term *b)
{
    const size_t common = a->length < b->length ? a->length : b->length;
    int order = a->number < b->number ? -1 : a->number > b->number;
    if (order == 0 && common > 0) order = memcmp(a->text, b->text, common);
    if (order == 0 && a->length != b->length) order = a->length < b->length ? -1 : 1;
    return order;
}

/* For qsort: equal terms by row. */
static int fnni_compare_terms(const void *left, const void *right)
{
    const fnni_term *a = (const fnni_term *)left, *b = (const fnni_term *)right;
    const int order = fnni_term_order(a, b);
    return order ? order : a->row < b->row ? -1 : a->row > b->row;
}

/* What a term is called: its text, or its number, for which `number` has room. */
static const char *fnni_term_name(const fnni_term *term, char number[24], size_t *length)
{
    *length = term->length;
    if (term->length) return term->text;
    *length = (size_t)snprintf(number, 24, "%ld", (long)term->number);
    return number;
}

/* Whether sorted term i is the first of its kind. */
static int fnni_term_is_new(const fnni_terms *t, int64_t i)
{
    return i == 0 || fnni_term_order(&t->term[i], &t->term[i - 1]) != 0;
}

/* Numbers the terms that occur, which are sorted: 0, 1, 2 ... */
static fnn_result fnni_terms_new(fnni_terms *t)
{
    int64_t i;
    for (i = 0; i < t->count; i++) {
        if (fnni_term_is_new(t, i) && t->codes++ == t->most)
            return fnni_fail(t->error, FNN_ERROR_FORMAT,
                             "%s: more than %ld different %s values (is it the right column?)",
                             fnni_path_tail(t->path), (long)t->most, t->what);
        t->term[i].code = t->codes - 1;
    }
    return FNN_OK;
}

/* The number of a name in a sorted list of names; -1 when it is not there. */
static int32_t fnni_term_find(const fnni_term *sorted, int32_t count, const char *name,
                              size_t length)
{
    fnni_term wanted;
    int32_t low = 0, high = count;
    memset(&wanted, 0, sizeof wanted);
    wanted.text = name;
    wanted.length = length;
    while (low < high) { /* the first that is not below */
        const int32_t middle = low + (high - low) / 2;
        if (fnni_term_order(&sorted[middle], &wanted) < 0) low = middle + 1;
        else high = middle;
    }
    return low < count && fnni_term_order(&sorted[low], &wanted) == 0 ? (int32_t)sorted[low].row
                                                                      : -1;
}

/* Numbers the terms, which are sorted, as the given names are. */
static fnn_result fnni_terms_given(fnni_terms *t, const char *const *names, int32_t count,
                                   const fnn_allocator *allocator)
{
    char number[24], shown[FNNI_SHOWN];
    size_t length, bytes = fnni_times((size_t)count, sizeof(fnni_term));
    fnni_term *sorted = (fnni_term *)fnni_allocate(allocator, bytes);
    fnn_result result = FNN_OK;
    int64_t i;
    if (!sorted) return fnni_fail_memory(t->error, t->path, bytes);
    memset(sorted, 0, bytes);
    for (i = 0; i < count; i++) {
        sorted[i].text = names[i] + t->prefix;
        sorted[i].length = strlen(sorted[i].text);
        sorted[i].row = i;
    }
    qsort(sorted, (size_t)count, sizeof *sorted, fnni_compare_terms);
    for (i = 0; result == FNN_OK && i < t->count; i++) {
        fnni_term *term = &t->term[i];
        const char *name = fnni_term_name(term, number, &length);
        term->code =
            fnni_term_is_new(t, i) ? fnni_term_find(sorted, count, name, length) : term[-1].code;
        if (term->code < 0)
            result = fnni_fail(t->error, FNN_ERROR_FORMAT,
                               "%s: %s %lld: %s \"%s\" is none of the %ld of same_classes",
                               fnni_path_tail(t->path), t->place, (long long)term->line, t->what,
                               fnni_shown(name, length, shown), (long)count);
    }
    t->codes = count;
    fnni_release(allocator, sorted);
    return result;
}

/* Numbers the terms: as the names say or, when they are NULL, in order. */
static fnn_result fnni_terms_number(fnni_terms *t, const char *const *names, int32_t count,
                                    const fnn_allocator *allocator)
{
    if (t->count > 0) qsort(t->term, (size_t)t->count, sizeof *t->term, fnni_compare_terms);
    return names ? fnni_terms_given(t, names, count, allocator) : fnni_terms_new(t);
}

/* Names on their way into a block that the data set owns: pointers, then text. */
typedef struct fnni_names {
    const char **name; /* (count) */
    size_t count, used;
    char *at; /* where the next text goes */
} fnni_names;

/* Room for `count` names of `characters` in all, without their zeros. Returns 0 without memory. */
static int fnni_names_begin(fnni_names *names, fnn_dataset *out, size_t count, size_t characters)
{
    const size_t bytes = fnni_plus(fnni_times(count, sizeof *names->name + 1), characters);
    names->name = (const char **)fnni_dataset_allocate(out, bytes, 1);
    names->count = count;
    names->used = 0;
    names->at = names->name ? (char *)(names->name + count) : NULL;
    return names->name != NULL;
}

/* Puts in the next name. */
static void fnni_names_put(fnni_names *names, const char *text, size_t length)
{
    names->name[names->used++] = names->at;
    if (length > 0) memcpy(names->at, text, length);
    names->at[length] = 0;
    names->at += length + 1;
}

/* Makes the last name longer. */
static void fnni_names_extend(fnni_names *names, const char *text, size_t length)
{
    memcpy(names->at - 1, text, length);
    names->at[length - 1] = 0;
    names->at += length;
}

/* Names for the numbers that terms have become: the given ones, or those of the sorted terms. */
static fnn_result fnni_class_names(fnn_dataset *out, const fnni_terms *t, const char *const *given)
{
    fnni_names names;
    char number[24];
    size_t length, characters = 0;
    int64_t i;
    for (i = 0; given && i < t->codes; i++) characters += strlen(given[i]);
    for (i = 0; !given && i < t->count; i++)
        if (fnni_term_is_new(t, i)) {
            fnni_term_name(&t->term[i], number, &length);
            characters += length;
        }
    if (!fnni_names_begin(&names, out, (size_t)t->codes, characters))
        return fnni_fail_memory(t->error, t->path, characters);
    for (i = 0; given && i < t->codes; i++) fnni_names_put(&names, given[i], strlen(given[i]));
    for (i = 0; !given && i < t->count; i++)
        if (fnni_term_is_new(t, i)) {
            const char *name = fnni_term_name(&t->term[i], number, &length);
            fnni_names_put(&names, name, length);
        }
    out->class_names = names.name;
    return FNN_OK;
}

/* Completes labels (count), classes and class_names: from the terms or, without them, from labels
 * that are numbers and are kept. same: NULL, or the set whose classes these must be. */
static fnn_result fnni_classes(fnn_dataset *out, int32_t *labels, int64_t count, fnni_terms *t,
                               const fnn_dataset *same)
{
    const char *const *given = same ? same->class_names : NULL;
    fnn_result result;
    int64_t i;
    if (!t->term) {
        for (i = 0; i < count; i++)
            if (labels[i] >= out->classes) out->classes = labels[i] + 1;
        if (same) out->classes = same->classes;
        return FNN_OK;
    }
    result = fnni_terms_number(t, given, same ? same->classes : 0, &out->allocator);
    for (i = 0; result == FNN_OK && i < count; i++) labels[t->term[i].row] = t->term[i].code;
    out->classes = (int)t->codes;
    return result == FNN_OK ? fnni_class_names(out, t, given) : result;
}

/* What is wrong with a set whose classes are asked for, or NULL; named: by their names. */
static const char *fnni_same_classes_wrong(const fnn_dataset *same, int named)
{
    if (same && same->classes < 1) return "same_classes has no classes";
    if (same && named && !same->class_names) return "same_classes has no class_names";
    return NULL;
}

/* ---- IDX ---- */

static uint32_t fnni_big_endian_32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The value at p of each type, exact in a double. */
static double fnni_idx_get_uint8(const uint8_t *p)
{
    return *p;
}

static double fnni_idx_get_int8(const uint8_t *p)
{
    return *p < 0x80 ? *p : *p - 0x100;
}

static double fnni_idx_get_int16(const uint8_t *p)
{
    const int value = p[0] << 8 | p[1];
    return value < 0x8000 ? value : value - 0x10000;
}

static double fnni_idx_get_int32(const uint8_t *p)
{
    const uint32_t bits = fnni_big_endian_32(p);
    return bits < 0x80000000u ? (double)bits : (double)bits - 4294967296.0;
}

static double fnni_idx_get_float(const uint8_t *p)
{
    const uint32_t bits = fnni_big_endian_32(p);
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static double fnni_idx_get_double(const uint8_t *p)
{
    const uint64_t bits = (uint64_t)fnni_big_endian_32(p) << 32 | fnni_big_endian_32(p + 4);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* X(code in the header, name, bytes, whether it is an integer, whether its bytes stay bytes). */
/* clang-format off */
#define FNNI_IDX_TYPE_LIST(X) \
    X(0x08, uint8,  1, 1, 1) \
    X(0x09, int8,   1, 1, 0) \
    X(0x0B, int16,  2, 1, 0) \
    X(0x0C, int32,  4, 1, 0) \
    X(0x0D, float,  4, 0, 0) \
    X(0x0E, double, 8, 0, 0)
/* clang-format on */
typedef struct fnni_idx_type {
    int code;
    const char *name;
    size_t bytes;
    int integer, raw;
    double (*get)(const uint8_t *p);
} fnni_idx_type;

#define FNNI_IDX_ROW(code, name, bytes, integer, raw) \
    {code, #name, bytes, integer, raw, fnni_idx_get_##name},
static const fnni_idx_type fnni_idx_types[] = {FNNI_IDX_TYPE_LIST(FNNI_IDX_ROW)};
#undef FNNI_IDX_ROW

static const fnni_idx_type *fnni_idx_find_type(int code)
{
    size_t i;
    for (i = 0; i < sizeof fnni_idx_types / sizeof fnni_idx_types[0]; i++)
        if (fnni_idx_types[i].code == code) return &fnni_idx_types[i];
    return NULL;
}

/* The header of an IDX file: two zero bytes, the type, the number of dimensions, then each
 * dimension as a big-endian 32-bit number. */
typedef struct fnni_idx {
    const fnni_idx_type *type;
    int dimensions;
    size_t size[4];
    size_t header, total; /* bytes of the header, and of the whole file */
} fnni_idx;

#define FNNI_IDX_MAX_HEADER 20

/* Says what a file is that is not IDX. */
FNNI_COLD static fnn_result fnni_idx_fail_kind(const uint8_t *bytes, size_t available,
                                               const char *path, fnn_error *error)
{
    const char *found = fnni_impostor(bytes, available);
    char first[16];
    size_t length = 0, i;
    for (i = 0; i < 4 && i < available; i++)
        fnni_append(first, sizeof first, &length, i ? " %02x" : "%02x", bytes[i]);
    if (!found) found = first;
    return fnni_fail(error, FNN_ERROR_FORMAT,
                     "%s: not an IDX file: expected 00 00, a type and the number of dimensions, "
                     "found %s",
                     path, found);
}

/* The dimensions, and the bytes that they make. */
static fnn_result fnni_idx_parse_sizes(fnni_idx *idx, const uint8_t *bytes, const char *path,
                                       fnn_error *error)
{
    size_t product = idx->type->bytes;
    int i;
    for (i = 0; i < idx->dimensions; i++) {
        const uint32_t size = fnni_big_endian_32(bytes + 4 + 4 * i);
        idx->size[i] = size;
        if (size == 0 || (i > 0 && size > FNNI_MAX_DIMENSION))
            return fnni_fail(error, FNN_ERROR_FORMAT, "%s: IDX dimension %d is %lu", path, i,
                             (unsigned long)size);
        if (!fnni_multiply(product, size, &product) || product > FNNI_MAX_FILE_BYTES - idx->header)
            return fnni_fail(error, FNN_ERROR_FORMAT,
                             "%s: the IDX header says more than the limit of %llu bytes", path,
                             (unsigned long long)FNNI_MAX_FILE_BYTES);
    }
    idx->total = idx->header + product;
    return FNN_OK;
}

/* Parses what there is of a header (`available` bytes, at most FNNI_IDX_MAX_HEADER are needed). */
static fnn_result fnni_idx_parse(fnni_idx *idx, const uint8_t *bytes, size_t available,
                                 int most_dimensions, const char *path, fnn_error *error)
{
    path = fnni_path_tail(path);
    if (available < 4 || bytes[0] || bytes[1])
        return fnni_idx_fail_kind(bytes, available, path, error);
    idx->dimensions = bytes[3];
    idx->type = fnni_idx_find_type(bytes[2]);
    if (!idx->type)
        return fnni_fail(error, FNN_ERROR_FORMAT,
                         "%s: IDX type 0x%02x, expected 0x08, 0x09 or 0x0b to 0x0e", path,
                         bytes[2]);
    if (idx->dimensions < 1 || idx->dimensions > most_dimensions)
        return fnni_fail(error, FNN_ERROR_FORMAT, "%s: IDX of %d dimensions, expected 1 to %d",
                         path, idx->dimensions, most_dimensions);
    idx->header = 4 + 4 * (size_t)idx->dimensions;
    if (available < idx->header)
        return fnni_fail(error, FNN_ERROR_FORMAT, "%s: the IDX header is truncated", path);
    return fnni_idx_parse_sizes(idx, bytes, path, error);
}

static fnn_result fnni_idx_size_error(const char *path, const char *relation, size_t expected,
                                      fnn_error *error)
{
    return fnni_fail(error, FNN_ERROR_FORMAT, "%s: holds %s than the %llu bytes its header says",
                     fnni_path_tail(path), relation, (unsigned long long)expected);
}

/* Replaces a gzip file by the IDX file in it: first its beginning alone is decompressed, then, if
 * the compressed bytes can hold what the header says, all of it into an array of just that
 * size. */
static fnn_result fnni_idx_expand(fnni_file *file, fnni_idx *idx, int most_dimensions,
                                  const char *path, const fnn_allocator *allocator,
                                  fnn_error *error)
{
    uint8_t begin[FNNI_PEEK];
    const char *wrong;
    fnni_file idx_file = {NULL, 0};
    fnn_result result = FNN_OK;
    fnni_inflate_status status = fnni_gunzip(file, begin, sizeof begin, &idx_file.size, &wrong);
    if (status != FNNI_INFLATE_WRONG) {
        result = fnni_idx_parse(idx, begin, idx_file.size, most_dimensions, path, error);
        if (result != FNN_OK) return result;
        if (idx->total / FNNI_DEFLATE_RATIO > file->size)
            return fnni_idx_size_error(path, "less", idx->total, error);
        idx_file.bytes = (uint8_t *)fnni_allocate(allocator, idx->total);
        if (!idx_file.bytes) return fnni_fail_memory(error, path, idx->total);
        status = fnni_gunzip(file, idx_file.bytes, idx->total, &idx_file.size, &wrong);
    }
    if (status == FNNI_INFLATE_WRONG)
        result = fnni_fail(error, FNN_ERROR_FORMAT, "%s: bad gzip file: %s", fnni_path_tail(path),
                           wrong);
    else if (status == FNNI_INFLATE_FULL)
        result = fnni_idx_size_error(path, "more", idx->total, error);
    if (result != FNN_OK) {
        fnni_file_release(&idx_file, allocator);
        return result;
    }
    fnni_file_release(file, allocator);
    *file = idx_file;
    return FNN_OK;
}

/* Reads an IDX file of 1 to most_dimensions dimensions; on failure `file` is empty. */
static fnn_result fnni_idx_read(fnni_file *file, fnni_idx *idx, int most_dimensions,
                                const char *path, const fnn_allocator *allocator, fnn_error *error)
{
    fnn_result result = fnni_file_read(file, path, allocator, error);
    if (result != FNN_OK) return result;
    if (fnni_is_gzip(file->bytes, file->size))
        result = fnni_idx_expand(file, idx, most_dimensions, path, allocator, error);
    else result = fnni_idx_parse(idx, file->bytes, file->size, most_dimensions, path, error);
    if (result == FNN_OK && file->size != idx->total)
        result =
            fnni_idx_size_error(path, file->size < idx->total ? "less" : "more", idx->total, error);
    if (result != FNN_OK) fnni_file_release(file, allocator);
    return result;
}

/* Copies the images into an array of their own, as bytes or as reals. Transposed, what the file has
 * at (x, y) of an image of width times height comes to (y, x). */
static fnn_result fnni_idx_copy(const fnn_dataset *out, const fnni_idx *idx, const uint8_t *from,
                                int transpose, uint8_t *bytes, fnn_real *reals, const char *path,
                                fnn_error *error)
{
    const size_t height = (size_t)out->height, width = (size_t)out->width;
    const size_t channels = (size_t)out->channels, element = idx->type->bytes;
    const size_t down = transpose ? channels : width * channels;
    const size_t right = transpose ? height * channels : channels;
    size_t i, y, x, c, to = 0;
    for (i = 0; i < (size_t)out->count; i++, from += height * width * channels * element)
        for (y = 0; y < height; y++)
            for (x = 0; x < width; x++)
                for (c = 0; c < channels; c++, to++) {
                    const double value =
                        idx->type->get(from + (y * down + x * right + c) * element);
                    if (value - value == 0 && fabs(value) > FNNI_REAL_MAX)
                        return fnni_fail(error, FNN_ERROR_FORMAT,
                                         "%s: sample %llu has the value %g, beyond the range of "
                                         "fnn_real",
                                         fnni_path_tail(path), (unsigned long long)i, value);
                    if (bytes) bytes[to] = (uint8_t)value;
                    else reals[to] = (fnn_real)value;
                }
    return FNN_OK;
}

/* The shape of a sample, and where its numbers are: bytes stay where the file was read to, behind
 * its header, unless they have to be turned. */
static fnn_result fnni_idx_images(fnn_dataset *out, const char *path, int transpose,
                                  fnn_error *error)
{
    fnni_file file;
    fnni_idx idx;
    uint8_t *bytes = NULL;
    fnn_real *reals = NULL;
    size_t count;
    fnn_result result = fnni_idx_read(&file, &idx, 4, path, &out->allocator, error);
    if (result != FNN_OK) return result;
    out->count = out->rows = (int64_t)idx.size[0];
    out->height = idx.dimensions < 3 ? 1 : (int)idx.size[transpose ? 2 : 1];
    out->width = idx.dimensions < 3 ? 1 : (int)idx.size[transpose ? 1 : 2];
    out->channels = idx.dimensions == 2   ? (int)idx.size[1]
                    : idx.dimensions == 4 ? (int)idx.size[3]
                                          : 1;
    count = (idx.total - idx.header) / idx.type->bytes;
    if (idx.type->raw && !transpose) {
        fnni_dataset_own(out, file.bytes);
        out->bytes = file.bytes + idx.header;
        return FNN_OK;
    }
    if (idx.type->raw) out->bytes = bytes = (uint8_t *)fnni_dataset_allocate(out, count, 1);
    else out->reals = reals = (fnn_real *)fnni_dataset_allocate(out, count, sizeof *reals);
    result = bytes || reals ? fnni_idx_copy(out, &idx, file.bytes + idx.header, transpose, bytes,
                                            reals, path, error)
                            : fnni_fail_memory(error, path, fnni_times(count, sizeof *reals));
    fnni_file_release(&file, &out->allocator);
    return result;
}

/* Column 0 of the labels (count) as terms to be numbered or, where those are NULL, as they are. */
static fnn_result fnni_idx_take_labels(const fnni_idx *idx, const uint8_t *from, int32_t *labels,
                                       fnni_terms *t, const fnn_dataset *same)
{
    const size_t step = (idx->dimensions == 2 ? idx->size[1] : 1) * idx->type->bytes;
    const int32_t lowest = t->term ? -FNNI_MAX_CLASS_NUMBER : 0;
    const int32_t highest = t->term ? FNNI_MAX_CLASS_NUMBER
                            : same  ? same->classes - 1
                                    : FNNI_MAX_CLASSES - 1;
    size_t i;
    for (i = 0; i < idx->size[0]; i++) {
        const double value = idx->type->get(from + i * step);
        if (value < lowest || value > highest)
            return fnni_fail(
                t->error, FNN_ERROR_FORMAT, "%s: label %llu is %.0f, expected %ld to %ld%s",
                fnni_path_tail(t->path), (unsigned long long)i, value, (long)lowest, (long)highest,
                t->term ? ""
                : same  ? " as in same_classes"
                        : " (or compact_classes)");
        labels[i] = (int32_t)value;
        if (!t->term) continue;
        t->term[i].number = labels[i];
        t->term[i].row = t->term[i].line = (int64_t)i;
    }
    return FNN_OK;
}

/* Labels, classes and class_names from the file that was read. */
static fnn_result fnni_idx_classes(fnn_dataset *out, const fnni_idx *idx, const uint8_t *from,
                                   const fnn_idx_config *c, const char *path, fnn_error *error)
{
    const size_t count = idx->size[0], bytes = fnni_times(count, sizeof(fnni_term));
    int32_t *labels = (int32_t *)fnni_dataset_allocate(out, count, sizeof *labels);
    fnni_terms terms;
    fnn_result result = FNN_OK;
    memset(&terms, 0, sizeof terms);
    terms.path = path;
    terms.what = "class";
    terms.place = "label";
    terms.most = FNNI_MAX_CLASSES;
    terms.count = (int64_t)count;
    terms.error = error;
    if (labels && c->compact_classes)
        terms.term = (fnni_term *)fnni_allocate(&out->allocator, bytes);
    if (!labels || (c->compact_classes && !terms.term))
        result = fnni_fail_memory(error, path, bytes);
    if (terms.term) memset(terms.term, 0, bytes);
    if (result == FNN_OK) result = fnni_idx_take_labels(idx, from, labels, &terms, c->same_classes);
    if (result == FNN_OK) result = fnni_classes(out, labels, terms.count, &terms, c->same_classes);
    out->labels = labels;
    fnni_release(&out->allocator, terms.term);
    return result;
}

static fnn_result fnni_idx_labels(fnn_dataset *out, const char *path, const fnn_idx_config *c,
                                  fnn_error *error)
{
    fnni_file file;
    fnni_idx idx;
    fnn_result result = fnni_idx_read(&file, &idx, 2, path, &out->allocator, error);
    if (result != FNN_OK) return result;
    if ((uint64_t)idx.size[0] != (uint64_t)out->count)
        result =
            fnni_fail(error, FNN_ERROR_FORMAT, "%s: %llu labels for %lld images",
                      fnni_path_tail(path), (unsigned long long)idx.size[0], (long long)out->count);
    else if (!idx.type->integer)
        result = fnni_fail(error, FNN_ERROR_FORMAT, "%s: labels of IDX type %s, expected integers",
                           fnni_path_tail(path), idx.type->name);
    else result = fnni_idx_classes(out, &idx, file.bytes + idx.header, c, path, error);
    fnni_file_release(&file, &out->allocator);
    return result;
}

FNNI_COLD FNN_DEF fnn_idx_config fnn_idx_config_init(void)
{
    fnn_idx_config config;
    memset(&config, 0, sizeof config);
    return config;
}

FNNI_COLD FNN_DEF fnn_result fnn_read_idx_with(const char *images, const char *labels,
                                               const fnn_idx_config *config,
                                               const fnn_allocator *allocator, fnn_dataset *out,
                                               fnn_error *error)
{
    const fnn_idx_config c = config ? *config : fnn_idx_config_init();
    const char *wrong = labels ? fnni_same_classes_wrong(c.same_classes, c.compact_classes) : NULL;
    fnn_result result;
    if (!out) return fnni_fail(error, FNN_ERROR_ARGUMENT, "read_idx: out is NULL");
    if (c.same_classes == out)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "read_idx: same_classes is out");
    memset(out, 0, sizeof *out);
    if (!images) wrong = "no path of images";
    if (wrong) return fnni_fail(error, FNN_ERROR_ARGUMENT, "read_idx: %s", wrong);
    fnni_dataset_begin(out, allocator);
    result = fnni_idx_images(out, images, c.transpose, error);
    if (result == FNN_OK && labels) result = fnni_idx_labels(out, labels, &c, error);
    if (result != FNN_OK) fnn_dataset_free(out);
    return result;
}

FNNI_COLD FNN_DEF fnn_result fnn_read_idx(const char *images, const char *labels,
                                          const fnn_allocator *allocator, fnn_dataset *out,
                                          fnn_error *error)
{
    return fnn_read_idx_with(images, labels, NULL, allocator, out, error);
}

/* ---- a training and a test set, in one of several places ---- */

#define FNNI_MAX_PATH 1024

static int fnni_file_exists(const char *path)
{
    FILE *stream = fopen(path, "rb");
    if (stream) fclose(stream);
    return stream != NULL;
}

/* Writes directory/name, or directory/name.gz, whichever exists. Returns 0 when neither does, or
 * the path is too long. */
static int fnni_find_file(char *path, const char *directory, const char *name)
{
    size_t length = strlen(directory);
    const char *slash = length > 0 && directory[length - 1] != '/' ? "/" : "";
    int written = snprintf(path, FNNI_MAX_PATH, "%s%s%s.gz", directory, slash, name);
    if (written < 3 || written >= FNNI_MAX_PATH) return 0;
    path[written - 3] = 0;
    if (fnni_file_exists(path)) return 1;
    path[written - 3] = '.';
    return fnni_file_exists(path);
}

/* What two sets that belong together are called with, how one of them is loaded from a directory,
 * and where they may be: where the environment variable says or, unless it is set, in the first of
 * the places that has them. load's *found tells whether the directory has the set's first file, so
 * that another place may be tried if not. */
typedef struct fnni_sets {
    const char *caller;
    fnn_result (*load)(const char *directory, int testing, fnn_dataset *out,
                       const fnn_allocator *allocator, int *found, fnn_error *error);
    const char *variable;
    const char *places[2]; /* NULL ones are passed over */
    const char *source;    /* what is looked for, and where that comes from */
} fnni_sets;

/* Loads train and test, or the one that is not NULL, from a directory. */
static fnn_result fnni_sets_load_from(const fnni_sets *sets, const char *directory,
                                      fnn_dataset *train, fnn_dataset *test,
                                      const fnn_allocator *allocator, int *found, fnn_error *error)
{
    fnn_result result = FNN_OK;
    int found_test;
    *found = 1;
    if (train) result = sets->load(directory, 0, train, allocator, found, error);
    if (result == FNN_OK && test)
        result = sets->load(directory, 1, test, allocator, train ? &found_test : found, error);
    if (result != FNN_OK) fnn_dataset_free(train);
    return result;
}

/* As above from the first place that has them. */
static fnn_result fnni_sets_search(const fnni_sets *sets, fnn_dataset *train, fnn_dataset *test,
                                   const fnn_allocator *allocator, fnn_error *error)
{
    const char *const *places = sets->places;
    fnn_result result = FNN_ERROR_FILE;
    int i, found = 0;
    for (i = 0; i < 2 && !found; i++)
        if (places[i])
            result = fnni_sets_load_from(sets, places[i], train, test, allocator, &found, error);
    if (found) return result;
    return fnni_fail(error, FNN_ERROR_FILE, "%s: not in %s%s%s, and $%s is not set", sets->source,
                     places[0], places[1] ? " or " : "", places[1] ? places[1] : "",
                     sets->variable);
}

/* As above from the directory or, if it is NULL, from where the variable says: a variable that is
 * set is meant, and other places hold other data. */
static fnn_result fnni_sets_load(const fnni_sets *sets, const char *directory, fnn_dataset *train,
                                 fnn_dataset *test, const fnn_allocator *allocator,
                                 fnn_error *error)
{
    const char *said = getenv(sets->variable);
    fnn_result result;
    int found = 1;
    if (train) fnni_dataset_begin(train, NULL);
    if (test) fnni_dataset_begin(test, NULL);
    if (train == test)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "%s: train %s test", sets->caller,
                         train ? "is also" : "is NULL, and");
    if (directory)
        return fnni_sets_load_from(sets, directory, train, test, allocator, &found, error);
    if (!said || !said[0]) return fnni_sets_search(sets, train, test, allocator, error);
    result = fnni_sets_load_from(sets, said, train, test, allocator, &found, error);
    if (result != FNN_OK && error) {
        const fnn_error wrong = *error;
        fnni_fail(error, result, "$%s: %s", sets->variable, wrong.message);
    }
    return result;
}

/* ---- Fashion-MNIST ---- */

static const char *const fnni_fashion_names[10] = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

/* The four files, and where they are. */
#define FNNI_FASHION_SOURCE                            \
    "{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz " \
    "(https://github.com/zalandoresearch/fashion-mnist)"

static fnn_result fnni_fashion_missing(fnn_error *error, const char *directory, const char *name)
{
    return fnni_fail(error, FNN_ERROR_FILE, "%s: no %s(.gz) there; see " FNNI_FASHION_SOURCE,
                     directory, name);
}

static fnn_result fnni_fashion_load(const char *directory, int testing, fnn_dataset *out,
                                    const fnn_allocator *allocator, int *found, fnn_error *error)
{
    const char *set = testing ? "t10k" : "train";
    char name[40], images[FNNI_MAX_PATH], labels[FNNI_MAX_PATH];
    fnn_result result;
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", set);
    *found = fnni_find_file(images, directory, name);
    if (!*found) return fnni_fashion_missing(error, fnni_path_tail(directory), name);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", set);
    if (!fnni_find_file(labels, directory, name))
        return fnni_fashion_missing(error, fnni_path_tail(directory), name);
    result = fnn_read_idx(images, labels, allocator, out, error);
    if (result != FNN_OK) return result;
    if (out->height != 28 || out->width != 28 || out->channels != 1)
        result = fnni_fail(error, FNN_ERROR_FORMAT, "%s: images of %d x %d x %d, not 28 x 28 x 1",
                           fnni_path_tail(images), out->height, out->width, out->channels);
    else if (out->classes > 10)
        result = fnni_fail(error, FNN_ERROR_FORMAT, "%s: a label is %d, expected 0 to 9",
                           fnni_path_tail(labels), out->classes - 1);
    out->classes = 10;
    out->class_names = fnni_fashion_names;
    if (result != FNN_OK) fnn_dataset_free(out);
    return result;
}

FNNI_COLD FNN_DEF fnn_result fnn_read_fashion_mnist(const char *directory,
                                                    const fnn_allocator *allocator,
                                                    fnn_dataset *train, fnn_dataset *test,
                                                    fnn_error *error)
{
    const fnni_sets sets = {"read_fashion_mnist",
                            fnni_fashion_load,
                            "FMNIST_DIR",
                            {"data", "/usr/share/datasets/fashion-mnist"},
                            FNNI_FASHION_SOURCE};
    return fnni_sets_load(&sets, directory, train, test, allocator, error);
}

/* ---- CIFAR-10 ---- */

#define FNNI_CIFAR_PIXELS 1024 /* 32 x 32, in each of three planes */
#define FNNI_CIFAR_IMAGE (3 * FNNI_CIFAR_PIXELS)
#define FNNI_CIFAR_RECORD (1 + FNNI_CIFAR_IMAGE) /* a label before each image */

static const char *const fnni_cifar_names[10] = {
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

static fnn_result fnni_cifar_check(const fnni_file *file, const char *path, fnn_error *error)
{
    const char *other = fnni_impostor(file->bytes, file->size);
    size_t i;
    if (other && (file->size == 0 || file->bytes[0] > 9))
        return fnni_fail(error, FNN_ERROR_FORMAT, "%s: expected records of CIFAR-10, found %s",
                         fnni_path_tail(path), other);
    if (file->size % FNNI_CIFAR_RECORD != 0)
        return fnni_fail(error, FNN_ERROR_FORMAT,
                         "%s: expected records of %d bytes, a label and an image, found %llu bytes",
                         fnni_path_tail(path), FNNI_CIFAR_RECORD, (unsigned long long)file->size);
    for (i = 0; i < file->size; i += FNNI_CIFAR_RECORD)
        if (file->bytes[i] > 9)
            return fnni_fail(error, FNN_ERROR_FORMAT,
                             "%s: expected labels 0 to 9, found %d in record %llu",
                             fnni_path_tail(path), (int)file->bytes[i],
                             (unsigned long long)(i / FNNI_CIFAR_RECORD));
    return FNN_OK;
}

/* A whole file, which then holds records and nothing else; empty on failure. */
static fnn_result fnni_cifar_read(fnni_file *file, const char *path, const fnn_allocator *allocator,
                                  fnn_error *error)
{
    fnn_result result = fnni_data_read(file, path, allocator, error);
    if (result == FNN_OK) result = fnni_cifar_check(file, path, error);
    if (result != FNN_OK) fnni_file_release(file, allocator);
    return result;
}

/* The file's records as labels and images: the three planes of an image become its channels. */
static void fnni_cifar_unpack(const fnni_file *file, uint8_t *images, int32_t *labels)
{
    const size_t count = file->size / FNNI_CIFAR_RECORD;
    size_t i, pixel;
    for (i = 0; i < count; i++) {
        const uint8_t *record = file->bytes + i * FNNI_CIFAR_RECORD, *red = record + 1;
        uint8_t *image = images + i * FNNI_CIFAR_IMAGE;
        labels[i] = record[0];
        for (pixel = 0; pixel < FNNI_CIFAR_PIXELS; pixel++) {
            image[3 * pixel] = red[pixel];
            image[3 * pixel + 1] = red[FNNI_CIFAR_PIXELS + pixel];
            image[3 * pixel + 2] = red[2 * FNNI_CIFAR_PIXELS + pixel];
        }
    }
}

/* Makes the data set of files that have been read. */
static fnn_result fnni_cifar_join(fnn_dataset *out, const fnni_file *files, int count,
                                  fnn_error *error)
{
    size_t total = 0, first = 0;
    uint8_t *images;
    int32_t *labels;
    int i;
    for (i = 0; i < count; i++) total += files[i].size / FNNI_CIFAR_RECORD; /* is in memory */
    images = (uint8_t *)fnni_dataset_allocate(out, total, FNNI_CIFAR_IMAGE);
    labels = (int32_t *)fnni_dataset_allocate(out, total, sizeof *labels);
    if (!images || !labels)
        return fnni_fail(error, FNN_ERROR_MEMORY, "no memory for %llu images of CIFAR-10",
                         (unsigned long long)total);
    for (i = 0; i < count; i++) {
        fnni_cifar_unpack(files + i, images + first * FNNI_CIFAR_IMAGE, labels + first);
        first += files[i].size / FNNI_CIFAR_RECORD;
    }
    out->count = out->rows = (int64_t)total;
    out->height = out->width = 32;
    out->channels = 3;
    out->bytes = images;
    out->labels = labels;
    out->classes = 10;
    out->class_names = fnni_cifar_names;
    return FNN_OK;
}

FNNI_COLD FNN_DEF fnn_result fnn_read_cifar10_files(const char *const *files, int count,
                                                    const fnn_allocator *allocator,
                                                    fnn_dataset *out, fnn_error *error)
{
    fnni_file *read;
    fnn_result result = FNN_OK;
    size_t bytes;
    int i;
    if (!out) return fnni_fail(error, FNN_ERROR_ARGUMENT, "read_cifar10: out is NULL");
    fnni_dataset_begin(out, NULL);
    if (!files || count < 1)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "read_cifar10: expected files, found %d",
                         count);
    for (i = 0; i < count; i++)
        if (!files[i])
            return fnni_fail(error, FNN_ERROR_ARGUMENT, "read_cifar10: file %d is NULL", i);
    read = fnni_multiply((size_t)count, sizeof *read, &bytes)
               ? (fnni_file *)fnni_allocate(allocator, bytes)
               : NULL;
    if (!read) return fnni_fail(error, FNN_ERROR_MEMORY, "read_cifar10: no memory");
    memset(read, 0, bytes);
    fnni_dataset_begin(out, allocator);
    for (i = 0; i < count && result == FNN_OK; i++)
        result = fnni_cifar_read(read + i, files[i], allocator, error);
    if (result == FNN_OK) result = fnni_cifar_join(out, read, count, error);
    for (i = 0; i < count; i++) fnni_file_release(read + i, allocator);
    fnni_release(allocator, read);
    if (result != FNN_OK) fnn_dataset_free(out);
    return result;
}

/* From data_batch_1.bin to data_batch_5.bin, or from test_batch.bin. */
static fnn_result fnni_cifar_load(const char *directory, int testing, fnn_dataset *out,
                                  const fnn_allocator *allocator, int *found, fnn_error *error)
{
    char paths[5][FNNI_MAX_PATH], file[40];
    const char *files[5];
    const int count = testing ? 1 : 5;
    int i;
    for (i = 0; i < count; i++) {
        int there;
        if (testing) snprintf(file, sizeof file, "test_batch.bin");
        else snprintf(file, sizeof file, "data_batch_%d.bin", i + 1);
        there = fnni_find_file(paths[i], directory, file);
        if (i == 0) *found = there;
        if (!there)
            return fnni_fail(error, FNN_ERROR_FILE, "%s: no %s nor %s.gz there",
                             fnni_path_tail(directory), file, file);
        files[i] = paths[i];
    }
    return fnn_read_cifar10_files(files, count, allocator, out, error);
}

FNNI_COLD FNN_DEF fnn_result fnn_read_cifar10(const char *directory, const fnn_allocator *allocator,
                                              fnn_dataset *train, fnn_dataset *test,
                                              fnn_error *error)
{
    const fnni_sets sets = {"read_cifar10",
                            fnni_cifar_load,
                            "CIFAR10_DIR",
                            {"data/cifar-10-batches-bin", NULL},
                            "data_batch_1.bin to data_batch_5.bin and test_batch.bin (or .gz) of "
                            "the binary version (https://www.cs.toronto.edu/~kriz/cifar.html)"};
    return fnni_sets_load(&sets, directory, train, test, allocator, error);
}

/* ---- CSV: fields ---- */

/* A cursor over a text in memory, which may be changed in place. */
typedef struct fnni_csv {
    const char *path;
    fnn_error *error;
    char *at, *end;
    char separator, comment;
    int64_t line; /* from 1 */
    int column;   /* of the last field, from 1 */
} fnni_csv;

typedef struct fnni_csv_field {
    char *text;
    size_t length;
    int quoted, last; /* last of its record */
    int64_t line;
} fnni_csv_field;

static int fnni_csv_is_blank(const fnni_csv *csv, char c)
{
    return c == ' ' || (c == '\t' && csv->separator != '\t');
}

static void fnni_csv_skip_blanks(fnni_csv *csv)
{
    while (csv->at < csv->end && fnni_csv_is_blank(csv, *csv->at)) csv->at++;
}

static int fnni_csv_is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* Steps over LF, CR or CRLF. */
static void fnni_csv_skip_line_end(fnni_csv *csv)
{
    if (*csv->at++ == '\r' && csv->at < csv->end && *csv->at == '\n') csv->at++;
    csv->line++;
}

/* Steps over the rest of a line, whatever it holds. */
static void fnni_csv_skip_line(fnni_csv *csv)
{
    while (csv->at < csv->end && !fnni_csv_is_line_end(*csv->at)) csv->at++;
    if (csv->at < csv->end) fnni_csv_skip_line_end(csv);
}

/* Moves to the next line that is neither blank nor a comment. Returns 0 at the end of the text. */
static int fnni_csv_next_record(fnni_csv *csv)
{
    for (;;) {
        fnni_csv_skip_blanks(csv);
        if (csv->at == csv->end) return 0;
        if (csv->comment && *csv->at == csv->comment) {
            fnni_csv_skip_line(csv);
            continue;
        }
        if (!fnni_csv_is_line_end(*csv->at)) {
            csv->column = 0;
            return 1;
        }
        fnni_csv_skip_line_end(csv);
    }
}

/* The text of a field that begins with a quote, up to the closing one. */
static fnn_result fnni_csv_quoted(fnni_csv *csv, fnni_csv_field *field)
{
    field->quoted = 1;
    field->text = ++csv->at;
    for (; csv->at < csv->end; csv->at++) {
        if (*csv->at == '\n') csv->line++;
        if (*csv->at != '"') continue;
        if (csv->end - csv->at < 2 || csv->at[1] != '"') {
            field->length = (size_t)(csv->at++ - field->text);
            return FNN_OK;
        }
        csv->at++;
    }
    return fnni_fail(csv->error, FNN_ERROR_FORMAT,
                     "%s: line %lld, column %d: a quote is opened and not closed",
                     fnni_path_tail(csv->path), (long long)field->line, csv->column);
}

static void fnni_csv_unquoted(fnni_csv *csv, fnni_csv_field *field)
{
    char *p = csv->at;
    const char separator = csv->separator;
    field->quoted = 0;
    field->text = p;
    while (p < csv->end && *p != separator && !fnni_csv_is_line_end(*p) &&
           !(*p == '\t' && separator == ' '))
        p++;
    csv->at = p;
    while (p > field->text && fnni_csv_is_blank(csv, p[-1])) p--;
    field->length = (size_t)(p - field->text);
}

/* Reads the next field of a record and what ends it. */
static fnn_result fnni_csv_next_field(fnni_csv *csv, fnni_csv_field *field)
{
    fnn_result result = FNN_OK;
    csv->column++;
    fnni_csv_skip_blanks(csv);
    field->line = csv->line;
    if (csv->at < csv->end && *csv->at == '"') result = fnni_csv_quoted(csv, field);
    else fnni_csv_unquoted(csv, field);
    if (result != FNN_OK) return result;
    field->last = 0;
    if (csv->separator == ' ' && csv->at < csv->end && fnni_csv_is_blank(csv, *csv->at)) {
        fnni_csv_skip_blanks(csv);
        field->last = csv->at == csv->end || fnni_csv_is_line_end(*csv->at);
    } else {
        fnni_csv_skip_blanks(csv);
        field->last = csv->at == csv->end || fnni_csv_is_line_end(*csv->at);
        if (!field->last && *csv->at++ != csv->separator)
            result = fnni_fail(csv->error, FNN_ERROR_FORMAT,
                               "%s: line %lld, column %d: expected a separator after the quote",
                               fnni_path_tail(csv->path), (long long)csv->line, csv->column);
    }
    if (field->last && csv->at < csv->end) fnni_csv_skip_line_end(csv);
    return result;
}

/* Makes doubled quotes single, in place. */
static void fnni_csv_unquote(fnni_csv_field *field)
{
    size_t from, to = 0;
    if (!field->quoted) return;
    for (from = 0; from < field->length; from++) {
        field->text[to++] = field->text[from];
        if (field->text[from] == '"') from++; /* a quote inside is always doubled */
    }
    field->length = to;
}

/* Reports a field that is not what it should be. */
FNNI_COLD static fnn_result fnni_csv_fail(const fnni_csv *csv, const fnni_csv_field *field,
                                          const char *expected)
{
    char found[FNNI_SHOWN];
    return fnni_fail(csv->error, FNN_ERROR_FORMAT,
                     "%s: line %lld, column %d: expected %s, found \"%s\"",
                     fnni_path_tail(csv->path), (long long)field->line, csv->column, expected,
                     fnni_shown(field->text, field->length, found));
}

/* The same of a field that should be a number: it may be one that is too large. */
FNNI_COLD static fnn_result fnni_csv_fail_number(const fnni_csv *csv, const fnni_csv_field *field,
                                                 const char *expected)
{
    if (fnni_is_decimal(field->text, field->length))
        expected = FNNI_REAL_IS_DOUBLE ? "a number in the range of fnn_real (+-1.8e308)"
                                       : "a number in the range of fnn_real (+-3.4e38)";
    return fnni_csv_fail(csv, field, expected);
}

/* Adds to such a message by which field of the configuration this one would have been right. */
FNNI_COLD static fnn_result fnni_csv_advise(const fnni_csv *csv, const char *advice)
{
    fnn_error *e = csv->error;
    const size_t length = e ? strlen(e->message) : 0;
    if (e) snprintf(e->message + length, sizeof e->message - length, "; %s", advice);
    return FNN_ERROR_FORMAT;
}

/* The same of a field of a feature, which is empty or a word. */
FNNI_COLD static fnn_result fnni_csv_advise_feature(const fnni_csv *csv,
                                                    const fnni_csv_field *field)
{
    if (field->length == 0) return fnni_csv_advise(csv, "`missing` says what empty fields become");
    if (fnni_is_decimal(field->text, field->length)) return FNN_ERROR_FORMAT;
    return fnni_csv_advise(csv, "columns of text are FNN_CSV_TEXT in `columns`, words for what is "
                                "missing `missing_words`");
}

/* ---- CSV: the table ---- */

/* A text of the header line. */
typedef struct fnni_csv_name {
    const char *text;
    size_t length;
} fnni_csv_name;

/* What tables are read alike by: the columns that became features, and the means of these. */
typedef struct fnni_encoded {
    int text;      /* whether it held words */
    int features;  /* that it became: one, or one for each category */
    size_t prefix; /* characters of these features' names before the category */
} fnni_encoded;

struct fnn_encoding {
    const fnni_encoded *column; /* (columns) */
    const char *const *names;   /* (features), or NULL if no one has a name */
    const fnn_real *means;      /* (features) over the samples that have them; NULL of bytes */
    int columns, features;
    int named; /* whether names begin with those of a header line */
};

typedef struct fnni_csv_load {
    const fnn_csv_config *config;
    fnni_csv csv, begin; /* the cursor, and where it stands at the first record of data */
    fnni_file file;
    fnni_csv_name *names; /* (name_count) of the columns, if the header line has so many */
    int name_count;
    uint8_t *roles; /* (columns) fnn_csv_role */
    int columns;
    int features; /* columns that become features, */
    int texts;    /* text columns among them */
    int labels;   /* and columns of labels or targets */
    int64_t rows, row;
    uint8_t *bytes; /* the arrays of the data set, to be written; with text columns, reals is a */
    fnn_real *reals, *targets; /* table of its own, of numbers and codes. Missing ones are NaN */
    int32_t *label;
    fnni_term *classes;     /* (rows), or NULL when labels are numbers that are kept */
    fnni_term *words;       /* (texts, rows) without text where they are missing */
    fnni_terms *vocabulary; /* (texts) of these */
    fnni_encoded *column;   /* (features) */
} fnni_csv_load;

/* Reads the file. */
static fnn_result fnni_csv_open(fnni_csv_load *load, const fnn_allocator *allocator)
{
    fnn_error *error = load->csv.error;
    const char *path = load->csv.path, *other = NULL;
    fnn_result result = fnni_data_read(&load->file, path, allocator, error);
    if (result != FNN_OK) return result;
    other = fnni_impostor(load->file.bytes, load->file.size);
    if (!other && memchr(load->file.bytes, 0, load->file.size)) other = "a zero byte";
    if (other)
        result = fnni_fail(error, FNN_ERROR_FORMAT, "%s: expected a table of text, found %s",
                           fnni_path_tail(path), other);
    return result;
}

static const char *fnni_csv_separator_wrong(const fnni_csv *csv)
{
    if (!csv->separator || csv->separator == '"' || fnni_csv_is_line_end(csv->separator))
        return "separator is zero, a quote or a line end";
    if (csv->comment && (csv->comment == csv->separator || strchr("\" \t\r\n", csv->comment)))
        return "comment is the separator, a quote, a blank or a line end";
    return NULL;
}

/* The line `sep=;` by which Excel is told the separator. */
static fnn_result fnni_csv_excel(fnni_csv *csv)
{
    const char *wrong;
    if (csv->end - csv->at < 5 || memcmp(csv->at, "sep=", 4) != 0) return FNN_OK;
    if (csv->end - csv->at > 5 && !fnni_csv_is_line_end(csv->at[5])) return FNN_OK;
    csv->separator = csv->at[4];
    wrong = fnni_csv_separator_wrong(csv);
    if (wrong)
        return fnni_fail(csv->error, FNN_ERROR_FORMAT, "%s: line 1 begins with sep=: %s",
                         fnni_path_tail(csv->path), wrong);
    fnni_csv_skip_line(csv);
    return FNN_OK;
}

/* Steps over a line of the header; its fields go to names unless that is NULL. */
static fnn_result fnni_csv_header_line(fnni_csv *csv, fnni_csv_name *names)
{
    fnni_csv_field field;
    fnn_result result;
    do {
        result = fnni_csv_next_field(csv, &field);
        if (result != FNN_OK || !names) continue;
        fnni_csv_unquote(&field);
        names[csv->column - 1].text = field.text;
        names[csv->column - 1].length = field.length;
    } while (result == FNN_OK && !field.last && csv->column < FNNI_MAX_DIMENSION);
    if (result == FNN_OK && !field.last)
        result = fnni_fail(csv->error, FNN_ERROR_FORMAT,
                           "%s: line %lld: expected %d columns at most, found more",
                           fnni_path_tail(csv->path), (long long)field.line, csv->column);
    return result;
}

/* Steps over the lines of the header; the first names the columns. It is read twice: to count its
 * fields, and to take them. */
static fnn_result fnni_csv_header(fnni_csv_load *load, const fnn_allocator *allocator)
{
    fnni_csv *csv = &load->csv, first;
    fnn_result result = FNN_OK;
    int line;
    for (line = 0; result == FNN_OK && line < load->config->header; line++) {
        if (!fnni_csv_next_record(csv)) return FNN_OK;
        first = *csv;
        result = fnni_csv_header_line(csv, NULL);
        if (result != FNN_OK || line > 0) continue;
        load->name_count = csv->column;
        load->names =
            (fnni_csv_name *)fnni_allocate(allocator, (size_t)csv->column * sizeof *load->names);
        if (!load->names)
            return fnni_fail_memory(csv->error, csv->path,
                                    (size_t)csv->column * sizeof *load->names);
        *csv = first;
        result = fnni_csv_header_line(csv, load->names);
    }
    return result;
}

/* Finds the first record of data. */
static fnn_result fnni_csv_begin(fnni_csv_load *load, const fnn_allocator *allocator)
{
    fnni_csv *csv = &load->csv;
    fnn_result result;
    int line;
    csv->at = (char *)load->file.bytes;
    csv->end = csv->at + load->file.size;
    csv->separator = load->config->separator;
    csv->comment = load->config->comment;
    csv->line = 1;
    if (load->file.size >= 3 && memcmp(csv->at, "\xEF\xBB\xBF", 3) == 0) csv->at += 3;
    result = fnni_csv_excel(csv);
    for (line = 0; result == FNN_OK && line < load->config->skip_lines && csv->at < csv->end;
         line++)
        fnni_csv_skip_line(csv);
    if (result == FNN_OK) result = fnni_csv_header(load, allocator);
    load->begin = *csv;
    return result;
}

/* First pass: counts rows and columns, and checks that all rows have the same number of them. The
 * second pass then meets no surprise, and the arrays have the right size at once. */
static fnn_result fnni_csv_measure(fnni_csv_load *load)
{
    fnni_csv *csv = &load->csv;
    fnni_csv_field field;
    fnn_result result = FNN_OK;
    while (result == FNN_OK && fnni_csv_next_record(csv)) {
        do result = fnni_csv_next_field(csv, &field);
        while (result == FNN_OK && !field.last && csv->column < FNNI_MAX_DIMENSION);
        if (result != FNN_OK) return result;
        if (load->rows++ == 0) load->columns = csv->column;
        if (csv->column != load->columns || !field.last)
            return fnni_fail(csv->error, FNN_ERROR_FORMAT,
                             "%s: line %lld: expected %d columns%s, found %d%s",
                             fnni_path_tail(csv->path), (long long)field.line, load->columns,
                             load->rows > 1 ? " as in the first row" : " at most", csv->column,
                             field.last ? "" : " and more");
    }
    if (result == FNN_OK && load->rows == 0)
        result = fnni_fail(csv->error, FNN_ERROR_FORMAT, "%s: holds no samples",
                           fnni_path_tail(csv->path));
    if (load->name_count != load->columns) load->name_count = 0;
    return result;
}

/* ---- CSV: what each column is ---- */

/* Gives a column (negative: from the end) a role. */
static fnn_result fnni_csv_assign(fnni_csv_load *load, int column, fnn_csv_role role)
{
    int from_start = column < 0 ? column + load->columns : column;
    if (from_start < 0 || from_start >= load->columns)
        return fnni_fail(
            load->csv.error, FNN_ERROR_ARGUMENT, "%s: %s column is %d, but there are %d columns",
            fnni_path_tail(load->csv.path),
            role == FNN_CSV_LABEL ? "the label" : "a named or skipped", column, load->columns);
    if (load->roles[from_start] == FNN_CSV_LABEL && role == FNN_CSV_SKIPPED)
        return fnni_fail(load->csv.error, FNN_ERROR_ARGUMENT,
                         "%s: column %d is the label and cannot be skipped",
                         fnni_path_tail(load->csv.path), column);
    load->roles[from_start] = (uint8_t)role;
    return FNN_OK;
}

/* Finds a column by its name, which must be the name of just one. */
static fnn_result fnni_csv_find(const fnni_csv_load *load, const char *name, int *column)
{
    const size_t length = strlen(name);
    const char *wrong = "there is no header line with a name for each column";
    char shown[FNNI_SHOWN];
    int i, found = 0;
    for (i = 0; i < load->name_count; i++)
        if (load->names[i].length == length && memcmp(load->names[i].text, name, length) == 0) {
            *column = i;
            found++;
        }
    if (found == 1) return FNN_OK;
    if (load->name_count > 0) wrong = found ? "several columns have that name" : "there is none";
    return fnni_fail(load->csv.error, FNN_ERROR_ARGUMENT, "%s: expected a column \"%s\": %s",
                     fnni_path_tail(load->csv.path), fnni_shown(name, length, shown), wrong);
}

static int fnni_csv_is_feature(const fnni_csv_load *load, int column)
{
    return load->roles[column] == FNN_CSV_FEATURE || load->roles[column] == FNN_CSV_TEXT;
}

/* Gives all columns their roles. */
static fnn_result fnni_csv_assign_all(fnni_csv_load *load)
{
    const fnn_csv_config *c = load->config;
    fnn_result result = FNN_OK;
    int i;
    memset(load->roles, (int)c->others, (size_t)load->columns);
    for (i = 0; result == FNN_OK && i < c->column_count; i++) {
        int column = c->columns[i].number;
        if (c->columns[i].name) result = fnni_csv_find(load, c->columns[i].name, &column);
        if (result == FNN_OK) result = fnni_csv_assign(load, column, c->columns[i].role);
    }
    if (result == FNN_OK && !memchr(load->roles, FNN_CSV_LABEL, (size_t)load->columns) &&
        c->label != FNN_CSV_LABEL_NONE)
        result = fnni_csv_assign(load, c->label_column, FNN_CSV_LABEL);
    for (i = 0; result == FNN_OK && i < c->skip_count; i++)
        result = fnni_csv_assign(load, c->skip_columns[i], FNN_CSV_SKIPPED);
    for (i = 0; result == FNN_OK && i < load->columns; i++) {
        load->features += fnni_csv_is_feature(load, i);
        load->texts += load->roles[i] == FNN_CSV_TEXT;
        load->labels += load->roles[i] == FNN_CSV_LABEL;
    }
    return result;
}

/* Whether a column is what it is in same_classes, where `feature` is its first feature. */
static fnn_result fnni_csv_check_column(const fnni_csv_load *load, int column,
                                        const struct fnn_encoding *given, const fnni_encoded *like,
                                        int feature)
{
    const char *expected = given->named ? given->names[feature] : "";
    const size_t length = like->text && given->named ? like->prefix - 1 : strlen(expected);
    const fnni_csv_name *name = load->name_count ? &load->names[column] : NULL;
    char own[FNNI_SHOWN], other[FNNI_SHOWN];
    if (like->text != (load->roles[column] == FNN_CSV_TEXT))
        return fnni_fail(load->csv.error, FNN_ERROR_ARGUMENT,
                         "%s: column %d is %s, but in same_classes it is %s",
                         fnni_path_tail(load->csv.path), column + 1,
                         like->text ? "numbers" : "text", like->text ? "text" : "numbers");
    if (name && given->named &&
        (name->length != length || memcmp(name->text, expected, length) != 0))
        return fnni_fail(load->csv.error, FNN_ERROR_FORMAT,
                         "%s: column %d is \"%s\", expected \"%s\" as in same_classes",
                         fnni_path_tail(load->csv.path), column + 1,
                         fnni_shown(name->text, name->length, own),
                         fnni_shown(expected, length, other));
    return FNN_OK;
}

/* Whether the columns are those of same_classes, as far as either has features and names. */
static fnn_result fnni_csv_check_same(const fnni_csv_load *load)
{
    const fnn_dataset *same = load->config->same_classes;
    const struct fnn_encoding *given = same ? same->encoding : NULL;
    const char *path = fnni_path_tail(load->csv.path);
    const int means = load->config->missing == FNN_CSV_MISSING_MEAN;
    fnn_result result;
    int column, k = 0, feature = 0;
    if (same && ((!given && load->texts > 0) || (means && !(given && given->means))))
        return fnni_fail(load->csv.error, FNN_ERROR_ARGUMENT,
                         "%s: same_classes has no %s: it was not read from CSV as reals", path,
                         means ? "means" : "categories");
    if (given && given->columns != load->features)
        return fnni_fail(load->csv.error, FNN_ERROR_FORMAT,
                         "%s: %d feature columns, but same_classes has %d%s", path, load->features,
                         given->columns,
                         load->labels > 0 && load->features < given->columns
                             ? "; a file without labels is read with FNN_CSV_LABEL_NONE"
                             : "");
    for (column = 0; given && column < load->columns; column++) {
        if (!fnni_csv_is_feature(load, column)) continue;
        result = fnni_csv_check_column(load, column, given, &given->column[k], feature);
        if (result != FNN_OK) return result;
        feature += given->column[k++].features;
    }
    return FNN_OK;
}

/* Decides what each column is. */
static fnn_result fnni_csv_plan(fnni_csv_load *load, const fnn_allocator *allocator)
{
    const fnn_csv_config *c = load->config;
    const char *path = fnni_path_tail(load->csv.path);
    const int most = c->label == FNN_CSV_LABEL_NONE     ? 0
                     : c->label == FNN_CSV_LABEL_TARGET ? load->columns
                                                        : 1;
    fnn_error *error = load->csv.error;
    fnn_result result;
    load->roles = (uint8_t *)fnni_allocate(allocator, (size_t)load->columns);
    if (!load->roles) return fnni_fail_memory(error, load->csv.path, (size_t)load->columns);
    result = fnni_csv_assign_all(load);
    if (result != FNN_OK) return result;
    if (load->labels > most)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "%s: %d label columns, but `label` says %d at most", path, load->labels,
                         most);
    if (load->features < 1)
        return fnni_fail(error, FNN_ERROR_FORMAT,
                         "%s: %d columns, none left for features (is the separator right?)", path,
                         load->columns);
    if (load->texts > 0 && c->keep_bytes)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "%s: text columns cannot be kept as bytes",
                         path);
    return fnni_csv_check_same(load);
}

/* The shape of a sample. */
static fnn_result fnni_csv_shape(const fnni_csv_load *load, fnn_dataset *out, size_t features)
{
    const fnn_csv_config *c = load->config;
    const int table = c->height == 0 && c->width == 0 && c->channels == 0;
    const char *path = fnni_path_tail(load->csv.path);
    if (features > FNNI_MAX_DIMENSION)
        return fnni_fail(load->csv.error, FNN_ERROR_FORMAT,
                         "%s: %llu features, expected %d at most", path,
                         (unsigned long long)features, FNNI_MAX_DIMENSION);
    out->height = table ? 1 : c->height;
    out->width = table ? 1 : c->width;
    out->channels = table ? (int)features : c->channels;
    if (!fnni_dataset_holds(out, (int)features))
        return fnni_fail(load->csv.error, FNN_ERROR_FORMAT,
                         "%s: %llu feature columns, but a sample is %d x %d x %d", path,
                         (unsigned long long)features, out->height, out->width, out->channels);
    return FNN_OK;
}

/* The arrays of the data set. Each field takes a byte of the file at least, so that they cannot be
 * more than a few times larger than it. */
static fnn_result fnni_csv_allocate(fnni_csv_load *load, fnn_dataset *out)
{
    const fnn_csv_config *c = load->config;
    const fnn_allocator *a = &out->allocator;
    const size_t rows = (size_t)load->rows, features = (size_t)load->features;
    const size_t values = fnni_times(rows, features), reals = fnni_times(values, sizeof(fnn_real));
    const size_t texts = (size_t)load->texts, targets = (size_t)load->labels;
    int failed = !(load->column =
                       (fnni_encoded *)fnni_dataset_allocate(out, features, sizeof *load->column));
    if (!failed && c->keep_bytes)
        failed = !(load->bytes = (uint8_t *)fnni_dataset_allocate(out, values, 1));
    else if (!failed && load->texts)
        failed = !(load->reals = (fnn_real *)fnni_allocate(a, reals)) ||
                 !(load->words = (fnni_term *)fnni_allocate(
                       a, fnni_times(fnni_times(rows, texts), sizeof(fnni_term)))) ||
                 !(load->vocabulary =
                       (fnni_terms *)fnni_allocate(a, fnni_times(texts, sizeof(fnni_terms))));
    else if (!failed) failed = !(load->reals = (fnn_real *)fnni_dataset_allocate(out, reals, 1));
    if (!failed && c->label == FNN_CSV_LABEL_TARGET)
        failed = !(load->targets = (fnn_real *)fnni_dataset_allocate(out, fnni_times(rows, targets),
                                                                     sizeof(fnn_real)));
    else if (!failed && load->labels)
        failed = !(load->label = (int32_t *)fnni_dataset_allocate(out, rows, sizeof(int32_t)));
    if (!failed && load->label && (c->label == FNN_CSV_LABEL_NAME || c->compact_classes))
        failed =
            !(load->classes = (fnni_term *)fnni_allocate(a, fnni_times(rows, sizeof(fnni_term))));
    return failed ? fnni_fail_memory(load->csv.error, load->csv.path, reals) : FNN_OK;
}

/* ---- CSV: values ---- */

/* Whether a field, as it stands in the file, is a missing value, which is to be replaced or to end
 * its line. */
static int fnni_csv_is_missing(const fnn_csv_config *c, const fnni_csv_field *field)
{
    const char *word = c->missing_words, *end;
    if (c->missing == FNN_CSV_MISSING_REFUSE) return 0;
    if (field->length == 0) return 1;
    for (; word && *word; word = end) {
        while (*word == ' ') word++;
        for (end = word; *end && *end != ' ';) end++;
        if ((size_t)(end - word) == field->length && memcmp(word, field->text, field->length) == 0)
            return 1;
    }
    return 0;
}

/* A number, of feature column number k. */
static fnn_result fnni_csv_feature(fnni_csv_load *load, const fnni_csv_field *field, size_t k)
{
    const size_t place = (size_t)load->row * (size_t)load->features + k;
    fnn_real value;
    int good = fnni_parse_real(field->text, field->length, &value);
    if (good && !load->bytes) {
        load->reals[place] = value;
        return FNN_OK;
    }
    if (good && value >= 0 && value <= 255 && value == (fnn_real)(uint8_t)value) {
        load->bytes[place] = (uint8_t)value;
        return FNN_OK;
    }
    if (load->bytes)
        return fnni_csv_fail(&load->csv, field,
                             load->row == 0 && !load->config->header
                                 ? "an integer 0 to 255 (or set header for a header line)"
                                 : "an integer 0 to 255");
    fnni_csv_fail_number(&load->csv, field,
                         load->row == 0 && !load->config->header
                             ? "a number (or set header for a header line)"
                             : "a number");
    return fnni_csv_advise_feature(&load->csv, field);
}

static void fnni_csv_term(const fnni_csv_load *load, const fnni_csv_field *field, fnni_term *term)
{
    memset(term, 0, sizeof *term);
    term->text = field->text;
    term->length = field->length;
    term->row = load->row;
    term->line = field->line;
}

/* The label column, when it holds classes. */
static fnn_result fnni_csv_class(fnni_csv_load *load, const fnni_csv_field *field)
{
    const fnn_csv_config *c = load->config;
    fnni_term *term = load->classes ? &load->classes[load->row] : NULL;
    const fnn_real limit = (fnn_real)(term ? FNNI_MAX_CLASS_NUMBER : FNNI_MAX_CLASSES - 1);
    fnn_real value = 0;
    if (c->label == FNN_CSV_LABEL_NAME) {
        if (field->length == 0) return fnni_csv_fail(&load->csv, field, "a class name");
        fnni_csv_term(load, field, term);
        return FNN_OK;
    }
    if (!fnni_parse_real(field->text, field->length, &value) || value > limit ||
        value < (term ? -limit : 0) || value != (fnn_real)(int32_t)value) {
        fnni_csv_fail(&load->csv, field,
                      term ? "a class number (an integer)"
                           : "a class number (an integer 0 to 65535)");
        return fnni_csv_advise(&load->csv, "names are FNN_CSV_LABEL_NAME, numbers to predict "
                                           "FNN_CSV_LABEL_TARGET in `label`");
    }
    if (!term && c->same_classes && value >= (fnn_real)c->same_classes->classes)
        return fnni_csv_fail(&load->csv, field, "a class number that same_classes has");
    if (term) {
        fnni_csv_term(load, field, term);
        term->number = (int64_t)value;
        term->length = 0;
    } else {
        load->label[load->row] = (int32_t)value;
    }
    return FNN_OK;
}

/* Label or target number k. */
static fnn_result fnni_csv_label_field(fnni_csv_load *load, const fnni_csv_field *field, int k)
{
    if (load->config->label != FNN_CSV_LABEL_TARGET) return fnni_csv_class(load, field);
    if (!fnni_parse_real(field->text, field->length, &load->targets[load->row * load->labels + k]))
        return fnni_csv_fail_number(&load->csv, field, "a number");
    return FNN_OK;
}

/* Where the fields of a row go, counted from its start. */
typedef struct fnni_csv_places {
    int feature, text, label;
} fnni_csv_places;

static fnn_result fnni_csv_value(fnni_csv_load *load, const fnni_csv_field *field, int missing,
                                 fnn_csv_role role, fnni_csv_places *at)
{
    const int k = at->feature;
    fnni_term *word;
    if (role == FNN_CSV_LABEL && missing)
        return fnni_csv_fail(&load->csv, field, "a label or target, of which no mean is taken");
    if (role == FNN_CSV_LABEL) return fnni_csv_label_field(load, field, at->label++);
    at->feature++;
    if (role == FNN_CSV_FEATURE && !missing) return fnni_csv_feature(load, field, (size_t)k);
    if (missing) load->reals[load->row * load->features + k] = (fnn_real)FNNI_NAN;
    if (role == FNN_CSV_FEATURE) return FNN_OK;
    if (field->length == 0 && !missing) {
        fnni_csv_fail(&load->csv, field, "a category");
        return fnni_csv_advise_feature(&load->csv, field);
    }
    word = &load->words[at->text++ * load->rows + load->row];
    fnni_csv_term(load, field, word);
    if (missing) word->text = NULL;
    return FNN_OK;
}

/* Steps over the line that comes next if it is to be left out for a missing value, whatever else
 * stands in it. Returns whether it was. */
static int fnni_csv_drop_line(fnni_csv_load *load)
{
    fnni_csv csv = load->csv;
    fnni_csv_field field;
    int column, missing = 0;
    if (load->config->missing != FNN_CSV_MISSING_DROP) return 0;
    for (column = 0; column < load->columns && !fnni_csv_next_field(&csv, &field); column++)
        if (load->roles[column] != FNN_CSV_SKIPPED)
            missing |= fnni_csv_is_missing(load->config, &field);
    if (missing) load->csv = csv;
    return missing;
}

/* Second pass: reads the values. The first one has checked the table's form. */
static fnn_result fnni_csv_fill(fnni_csv_load *load)
{
    fnni_csv_field field;
    fnn_result result = FNN_OK;
    load->csv = load->begin;
    while (result == FNN_OK && fnni_csv_next_record(&load->csv)) {
        fnni_csv_places at = {0, 0, 0};
        int column, missing;
        if (fnni_csv_drop_line(load)) continue;
        for (column = 0; result == FNN_OK && column < load->columns; column++) {
            result = fnni_csv_next_field(&load->csv, &field);
            if (result != FNN_OK || load->roles[column] == FNN_CSV_SKIPPED) continue;
            missing = fnni_csv_is_missing(load->config, &field);
            fnni_csv_unquote(&field);
            result = fnni_csv_value(load, &field, missing, (fnn_csv_role)load->roles[column], &at);
        }
        load->row++;
    }
    if (result == FNN_OK && load->row == 0)
        result = fnni_fail(load->csv.error, FNN_ERROR_FORMAT,
                           "%s: holds no sample without a missing value",
                           fnni_path_tail(load->csv.path));
    return result;
}

/* ---- CSV: classes, categories, means ---- */

static fnni_terms fnni_csv_terms(const fnni_csv_load *load, const char *what, fnni_term *term)
{
    fnni_terms t;
    memset(&t, 0, sizeof t);
    t.path = load->csv.path;
    t.error = load->csv.error;
    t.what = what;
    t.place = "line";
    t.term = term;
    t.count = load->row;
    return t;
}

static fnn_result fnni_csv_classes(fnni_csv_load *load, fnn_dataset *out)
{
    fnni_terms t = fnni_csv_terms(load, "class", load->classes);
    t.most = FNNI_MAX_CLASSES;
    if (!load->label) return FNN_OK;
    return fnni_classes(out, load->label, load->row, &t, load->config->same_classes);
}

/* Numbers the words of feature column k, the t-th of text; `given` are the names of its features
 * in same_classes, or NULL. */
static fnn_result fnni_csv_number_words(fnni_csv_load *load, int t, int k, const char *const *given,
                                        const fnni_encoded *like, const fnn_allocator *allocator)
{
    fnni_term *words = load->words + t * load->rows;
    fnni_terms *v = &load->vocabulary[t];
    fnn_result result;
    int64_t i;
    *v = fnni_csv_terms(load, "category", words);
    v->most = load->config->categories;
    v->prefix = given ? like->prefix : 0;
    v->count = 0;
    for (i = 0; i < load->row; i++)
        if (words[i].text) words[v->count++] = words[i];
    result = fnni_terms_number(v, given, given ? like->features : 0, allocator);
    for (i = 0; i < v->count; i++)
        load->reals[words[i].row * load->features + k] = (fnn_real)words[i].code;
    load->column[k].features = (int)v->codes;
    return result;
}

/* Decides how many features each column becomes, and makes words codes. Returns how many there are
 * in all in *features. */
static fnn_result fnni_csv_encode(fnni_csv_load *load, const fnn_allocator *allocator,
                                  size_t *features)
{
    const fnn_dataset *same = load->config->same_classes;
    const struct fnn_encoding *given = same ? same->encoding : NULL;
    fnn_result result = FNN_OK;
    int column, k = 0, t = 0;
    *features = 0;
    for (column = 0; result == FNN_OK && column < load->columns; column++) {
        fnni_encoded *e = &load->column[k];
        if (!fnni_csv_is_feature(load, column)) continue;
        memset(e, 0, sizeof *e);
        e->text = load->roles[column] == FNN_CSV_TEXT;
        e->features = 1;
        if (e->text)
            result = fnni_csv_number_words(load, t++, k, given ? given->names + *features : NULL,
                                           given ? &given->column[k] : NULL, allocator);
        if (result == FNN_OK && e->features == 0)
            result =
                fnni_fail(load->csv.error, FNN_ERROR_FORMAT, "%s: column %d has no value at all",
                          fnni_path_tail(load->csv.path), column + 1);
        *features += (size_t)e->features;
        k++;
    }
    return result;
}

/* Category number i of a vocabulary, the words of which are sorted, from word *at on. */
static const fnni_term *fnni_csv_category(const fnni_terms *v, int64_t *at)
{
    while (!fnni_term_is_new(v, *at)) ++*at;
    return &v->term[(*at)++];
}

/* Names of the features from the header line and the categories. names NULL: only counts their
 * characters. */
static size_t fnni_csv_put_names(const fnni_csv_load *load, fnni_names *names)
{
    size_t characters = 0;
    int column, k = 0, t = 0, i;
    for (column = 0; column < load->columns; column++) {
        const fnni_csv_name none = {"", 0}, *head = load->name_count ? &load->names[column] : &none;
        fnni_encoded *e = &load->column[k];
        int64_t at = 0;
        if (!fnni_csv_is_feature(load, column)) continue;
        e->prefix = e->text ? head->length + (load->name_count > 0) : 0;
        for (i = 0; i < e->features; i++) {
            const fnni_term *word = e->text ? fnni_csv_category(&load->vocabulary[t], &at) : NULL;
            characters += word ? e->prefix + word->length : head->length;
            if (names) fnni_names_put(names, head->text, head->length);
            if (names && word && load->name_count) fnni_names_extend(names, "=", 1);
            if (names && word) fnni_names_extend(names, word->text, word->length);
        }
        t += e->text;
        k++;
    }
    return characters;
}

/* Names for the features: those of same_classes or, if there are any, from the header line and the
 * categories. */
static fnn_result fnni_csv_feature_names(fnni_csv_load *load, fnn_dataset *out, size_t features,
                                         struct fnn_encoding *e)
{
    const fnn_dataset *same = load->config->same_classes;
    const struct fnn_encoding *given = same ? same->encoding : NULL;
    fnni_names names;
    size_t i, characters = 0;
    const int taken = given && given->names;
    if (!taken && !load->name_count && !load->texts) return FNN_OK;
    for (i = 0; taken && i < features; i++) characters += strlen(given->names[i]);
    if (!taken) characters = fnni_csv_put_names(load, NULL);
    if (!fnni_names_begin(&names, out, features, characters))
        return fnni_fail_memory(load->csv.error, load->csv.path, characters);
    for (i = 0; taken && i < features; i++)
        fnni_names_put(&names, given->names[i], strlen(given->names[i]));
    if (taken) memcpy(load->column, given->column, (size_t)load->features * sizeof *load->column);
    else fnni_csv_put_names(load, &names);
    e->names = (const char *const *)names.name;
    e->named = taken ? given->named : load->name_count > 0;
    if (e->named) out->feature_names = e->names;
    return FNN_OK;
}

/* The mean of each feature over the samples that have it; of a category, its share. Summed in
 * double; not a number where no sample has it. */
static fnn_result fnni_csv_means(const fnni_csv_load *load, const fnn_allocator *allocator,
                                 size_t features, fnn_real *means)
{
    const size_t columns = (size_t)load->features, bytes = (features + columns) * sizeof(double);
    double *sums = (double *)fnni_allocate(allocator, bytes), *present;
    const fnn_real *x = load->reals;
    size_t k, i, f;
    int64_t row;
    if (!sums) return fnni_fail_memory(load->csv.error, load->csv.path, bytes);
    memset(sums, 0, bytes);
    present = sums + features;
    for (row = 0; row < load->row; row++)
        for (k = 0, f = 0; k < columns; f += (size_t)load->column[k++].features, x++) {
            if (*x != *x) continue;
            present[k]++;
            if (load->column[k].text) sums[f + (size_t)*x]++;
            else sums[f] += (double)*x;
        }
    for (k = 0, f = 0; k < columns; k++)
        for (i = 0; i < (size_t)load->column[k].features; i++, f++)
            means[f] = (fnn_real)(sums[f] / present[k]);
    fnni_release(allocator, sums);
    return FNN_OK;
}

/* A row of numbers and codes as features, the means in place of what is missing; to may be from
 * where no column is text. Returns 0, or the column (from 1) that has no mean. */
static int fnni_csv_expand_row(const struct fnn_encoding *e, const fnn_real *from, fnn_real *to)
{
    const fnn_real *means = e->means;
    int k, i;
    for (k = 0; k < e->columns; k++) {
        const fnni_encoded *column = &e->column[k];
        const fnn_real x = from[k];
        for (i = 0; i < column->features; i++, means++, to++) {
            if (x != x && !fnni_is_finite(*means)) return k + 1;
            *to = x != x ? *means : column->text ? (fnn_real)(i == (int)x) : x;
        }
    }
    return 0;
}

/* The features of all rows. */
static fnn_result fnni_csv_expand(fnni_csv_load *load, fnn_dataset *out,
                                  const struct fnn_encoding *e)
{
    const size_t features = (size_t)e->features;
    fnn_real *to = load->reals;
    int64_t row;
    if (load->texts)
        to = (fnn_real *)fnni_dataset_allocate(out, fnni_times((size_t)load->row, features),
                                               sizeof *to);
    if (!to)
        return fnni_fail_memory(load->csv.error, load->csv.path,
                                fnni_times(fnni_times((size_t)load->row, features), sizeof *to));
    for (row = 0; row < load->row; row++) {
        const int without =
            fnni_csv_expand_row(e, load->reals + row * load->features, to + (size_t)row * features);
        if (without)
            return fnni_fail(load->csv.error, FNN_ERROR_FORMAT,
                             "%s: feature column %d has no values of which to take a mean",
                             fnni_path_tail(load->csv.path), without);
    }
    out->reals = to;
    return FNN_OK;
}

/* Makes features of the columns, and keeps how. */
static fnn_result fnni_csv_features(fnni_csv_load *load, fnn_dataset *out)
{
    const fnn_dataset *same = load->config->same_classes;
    struct fnn_encoding *e =
        (struct fnn_encoding *)fnni_dataset_allocate(out, 1, sizeof(struct fnn_encoding));
    fnn_real *means = NULL;
    size_t features;
    fnn_result result;
    if (!e) return fnni_fail_memory(load->csv.error, load->csv.path, sizeof *e);
    memset(e, 0, sizeof *e);
    result = fnni_csv_encode(load, &out->allocator, &features);
    if (result == FNN_OK) result = fnni_csv_shape(load, out, features);
    if (result == FNN_OK) result = fnni_csv_feature_names(load, out, features, e);
    if (result != FNN_OK) return result;
    e->column = load->column;
    e->columns = load->features;
    e->features = (int)features;
    out->encoding = e;
    if (load->bytes) return FNN_OK;
    e->means = means = (fnn_real *)fnni_dataset_allocate(out, features, sizeof *means);
    if (!means) return fnni_fail_memory(load->csv.error, load->csv.path, features * sizeof *means);
    if (same && same->encoding && same->encoding->means)
        memcpy(means, same->encoding->means, features * sizeof *means);
    else result = fnni_csv_means(load, &out->allocator, features, means);
    return result == FNN_OK ? fnni_csv_expand(load, out, e) : result;
}

/* ---- CSV: public ---- */

FNNI_COLD FNN_DEF fnn_csv_config fnn_csv_config_init(void)
{
    fnn_csv_config config;
    memset(&config, 0, sizeof config);
    config.separator = ',';
    config.label = FNN_CSV_LABEL_CLASS;
    config.label_column = -1;
    config.categories = 256;
    config.missing_words = "?";
    return config;
}

/* What is wrong with the columns of a configuration, or NULL. */
static const char *fnni_csv_columns_wrong(const fnn_csv_config *c)
{
    const char *wrong = NULL;
    int i;
    if (c->skip_count < 0 || (c->skip_count > 0 && !c->skip_columns))
        return "skip_count without skip_columns";
    if (c->column_count < 0 || (c->column_count > 0 && !c->columns))
        return "column_count without columns";
    if ((int)c->others < 0 || c->others >= FNN_CSV_ROLE_COUNT) wrong = "others is no fnn_csv_role";
    for (i = 0; i < c->column_count; i++)
        if ((int)c->columns[i].role < 0 || c->columns[i].role >= FNN_CSV_ROLE_COUNT)
            wrong = "the role of one of columns is no fnn_csv_role";
    return wrong;
}

static fnn_result fnni_csv_check_config(const fnn_csv_config *c, fnn_error *error)
{
    const char *wrong = fnni_csv_columns_wrong(c);
    const int classes = c->label == FNN_CSV_LABEL_NAME || c->label == FNN_CSV_LABEL_CLASS;
    const int named = c->label == FNN_CSV_LABEL_NAME || c->compact_classes;
    const int table = c->height == 0 && c->width == 0 && c->channels == 0;
    fnni_csv cursor;
    memset(&cursor, 0, sizeof cursor);
    cursor.separator = c->separator;
    cursor.comment = c->comment;
    if (!wrong) wrong = fnni_csv_separator_wrong(&cursor);
    if (!wrong && classes) wrong = fnni_same_classes_wrong(c->same_classes, named);
    if (wrong) return fnni_fail(error, FNN_ERROR_ARGUMENT, "read_csv: %s", wrong);
    if ((int)c->label < FNN_CSV_LABEL_NONE || c->label > FNN_CSV_LABEL_TARGET)
        wrong = "label is none of fnn_csv_label";
    else if ((int)c->missing < 0 || c->missing >= FNN_CSV_MISSING_COUNT)
        wrong = "missing is none of fnn_csv_missing";
    else if (c->missing == FNN_CSV_MISSING_MEAN && c->keep_bytes)
        wrong = "keep_bytes has no place for means";
    else if (c->header < 0 || c->skip_lines < 0) wrong = "header or skip_lines is negative";
    else if (c->categories < 1 || c->categories > FNNI_MAX_CLASSES)
        wrong = "categories must be 1 to 65536";
    else if (!table &&
             (c->height < 1 || c->height > FNNI_MAX_DIMENSION || c->width < 1 ||
              c->width > FNNI_MAX_DIMENSION || c->channels < 1 || c->channels > FNNI_MAX_DIMENSION))
        wrong = "height, width and channels must be all 0 or all 1 to 2^20";
    if (wrong) return fnni_fail(error, FNN_ERROR_ARGUMENT, "read_csv: %s", wrong);
    return FNN_OK;
}

/* All steps, in order. */
static fnn_result fnni_csv_load_into(fnni_csv_load *load, fnn_dataset *out)
{
    fnn_result result = fnni_csv_open(load, &out->allocator);
    if (result == FNN_OK) result = fnni_csv_begin(load, &out->allocator);
    if (result == FNN_OK) result = fnni_csv_measure(load);
    if (result == FNN_OK) result = fnni_csv_plan(load, &out->allocator);
    if (result == FNN_OK && !load->texts) /* before the values, where it is known */
        result = fnni_csv_shape(load, out, (size_t)load->features);
    if (result == FNN_OK) result = fnni_csv_allocate(load, out);
    if (result == FNN_OK) result = fnni_csv_fill(load);
    if (result == FNN_OK) result = fnni_csv_features(load, out);
    if (result == FNN_OK) result = fnni_csv_classes(load, out);
    out->bytes = load->bytes;
    out->labels = load->label;
    out->targets = load->targets;
    out->target_count = load->targets ? load->labels : 0;
    out->count = out->rows = load->row;
    return result;
}

FNN_DEF fnn_result fnn_read_csv(const char *path, const fnn_csv_config *config,
                                const fnn_allocator *allocator, fnn_dataset *out, fnn_error *error)
{
    fnni_csv_load load;
    fnn_result result;
    const fnn_csv_config usual = fnn_csv_config_init();
    if (!out) return fnni_fail(error, FNN_ERROR_ARGUMENT, "read_csv: out is NULL");
    if (config && config->same_classes == out)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "read_csv: same_classes is out");
    memset(out, 0, sizeof *out);
    if (!path) return fnni_fail(error, FNN_ERROR_ARGUMENT, "read_csv: path is NULL");
    fnni_dataset_begin(out, allocator);
    memset(&load, 0, sizeof load);
    load.config = config ? config : &usual;
    load.csv.path = path;
    load.csv.error = error;
    result = fnni_csv_check_config(load.config, error);
    if (result == FNN_OK) result = fnni_csv_load_into(&load, out);
    if (load.texts) fnni_release(&out->allocator, load.reals);
    fnni_release(&out->allocator, load.vocabulary);
    fnni_release(&out->allocator, load.words);
    fnni_release(&out->allocator, load.classes);
    fnni_release(&out->allocator, load.roles);
    fnni_release(&out->allocator, load.names);
    fnni_file_release(&load.file, &out->allocator);
    if (result != FNN_OK) fnn_dataset_free(out);
    return result;
}

/* ============================================================================
 * >>file  models as files: safetensors, written and read; checkpoints
 * ============================================================================
 * A model file is safetensors (https://github.com/huggingface/safetensors):
 * eight bytes with the header's length, a header in JSON, the numbers; all little-endian.
 *     {"__metadata__": {"layers": "dense 128 relu 0; ...", ...},
 *      "0.dense.weight": {"dtype": "F32", "shape": [784, 128], "data_offsets": [0, 401408]}, ...}
 * The metadata say how the model is built, the tensors what training made of it. Spaces at the
 * header's end align the numbers to FNNI_ALIGNMENT.
 * What a layer has in a file, its type says (to_words, from_words, tensor): nothing here knows
 * layers. A file is hostile: the header is walked three times, for its form and the metadata, then
 * against the model that these describe, and only when that fits is memory taken and filled.
 * Behind the library's version stands the CRC-32 of the whole file, its own eight digits taken for
 * zeros; older files have none.
 * A checkpoint is a model file with one more member in its metadata, numbers and settings by name,
 *     "fnn.training": "optimizer adam; layer 0 frozen 1; steps 2344; updates 2344; ..."
 * and four more tensors, some of no rows: training.state (numbers a parameter, parameters),
 * .average and .best (1, parameters and statistics), .history (epochs, FNNI_EPOCH_FIGURES). */

#define FNNI_MAX_HEADER (1 << 24) /* bytes */
#define FNNI_MAX_LAYERS 10000     /* less than 1 KiB of header each */
#define FNNI_DTYPE (FNNI_REAL_IS_DOUBLE ? "F64" : "F32")

/* clang-format off */
#define FNNI_FIELD_LIST(X) \
    X(FNNI_FIELD_LIBRARY, library) X(FNNI_FIELD_INPUT, input) \
    X(FNNI_FIELD_NORMALIZATION, normalization) X(FNNI_FIELD_LOSS, loss) \
    X(FNNI_FIELD_LABEL_SMOOTHING, label_smoothing) X(FNNI_FIELD_EPSILON, epsilon) \
    X(FNNI_FIELD_SEED, seed) X(FNNI_FIELD_LAYERS, layers) \
    X(FNNI_FIELD_TRAINING, fnn.training) /* of checkpoints alone */
/* clang-format on */
typedef enum fnni_field { FNNI_FIELD_LIST(FNNI_ENUM) FNNI_FIELD_COUNT } fnni_field;
#define FNNI_FIELD_NAME(field, name) #name,
static const char *const fnni_field_names[] = {FNNI_FIELD_LIST(FNNI_FIELD_NAME)};

#define FNNI_LIBRARY "fmnist_nn"
#define FNNI_SUM_WORD " crc32 " /* behind the version, and eight digits behind it */
#define FNNI_SUM_DIGITS 8

/* ---- names and notes ----
 * In the metadata names are one text, a line each; every member that is no field is a note. */

#define FNNI_MAX_TEXTS ((size_t)1 << 19) /* bytes of each kind: three fit into a header */
#define FNNI_MAX_NOTES 256               /* each is looked up among the others */
#define FNNI_CLASS_NAMES "class_names"
#define FNNI_FEATURE_NAMES "feature_names"

static const char *fnni_texts_at(const fnni_texts *t, int i)
{
    const char *text = t->text;
    if (i < 0 || i >= t->count) return NULL;
    while (i-- > 0) text += strlen(text) + 1;
    return text;
}

/* Adds a text where there is room for it. */
static void fnni_texts_add(fnni_texts *t, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    memcpy(t->text + t->bytes, text, bytes);
    t->bytes += bytes;
    t->count++;
}

/* Room for texts of so many bytes together, which are not there yet. */
static fnn_result fnni_texts_room(fnn_model *model, fnni_texts *t, const char *what, size_t bytes)
{
    memset(t, 0, sizeof *t);
    if (bytes > FNNI_MAX_TEXTS)
        return fnni_model_fail(model, FNN_ERROR_ARGUMENT,
                               "%s: expected at most %llu bytes together, found %llu", what,
                               (unsigned long long)FNNI_MAX_TEXTS, (unsigned long long)bytes);
    t->text = (char *)fnni_allocate(&model->context.allocator, bytes);
    if (t->text) return FNN_OK;
    return fnni_model_fail(model, FNN_ERROR_MEMORY, "%s: no memory for %llu bytes", what,
                           (unsigned long long)bytes);
}

static void fnni_texts_replace(fnn_model *model, fnni_texts *t, const fnni_texts *fresh)
{
    fnni_release(&model->context.allocator, t->text);
    *t = *fresh;
}

static fnn_result fnni_text_check(fnn_model *model, const char *what, const char *text)
{
    const size_t length = text ? strlen(text) : 0;
    size_t at = 0, bytes = 1;
    char shown[FNNI_SHOWN];
    for (; at < length && bytes; at += bytes)
        bytes = fnni_utf8_length((const uint8_t *)text + at, length - at);
    if (text && bytes) return FNN_OK;
    return fnni_model_fail(
        model, FNN_ERROR_ARGUMENT, "%s: expected UTF-8 without control characters, found %s%s%s",
        what, text ? "\"" : "", text ? fnni_shown(text, length, shown) : "NULL", text ? "\"" : "");
}

/* Copies names, after a look at each. */
static fnn_result fnni_names_set(fnn_model *model, fnni_texts *t, const char *what,
                                 const char *const *names, int count)
{
    fnni_texts fresh = {NULL, 0, 0};
    fnn_result result = FNN_OK;
    size_t bytes = 0;
    int i;
    for (i = 0; i < count && !result; i++) {
        result = fnni_text_check(model, what, names[i]);
        if (!result) bytes = fnni_plus(bytes, strlen(names[i]) + 1);
    }
    if (!result && count) result = fnni_texts_room(model, &fresh, what, bytes);
    if (result) return result;
    for (i = 0; i < count; i++) fnni_texts_add(&fresh, names[i]);
    fnni_texts_replace(model, t, &fresh);
    return FNN_OK;
}

/* How many class names there may be: as many as outputs, of a single one two. */
static fnn_result fnni_class_count_check(fnn_model *model, int count)
{
    const int outputs = model->sealed ? model->layers[model->layer_count - 1].outputs : 0;
    if (!outputs)
        return fnni_model_fail(model, FNN_ERROR_STATE,
                               "%s: expected a model whose layers are fixed, found one without "
                               "weights (fnn_seal)",
                               FNNI_CLASS_NAMES);
    if (count == outputs || (outputs == 1 && count == 2)) return FNN_OK;
    return fnni_model_fail(model, FNN_ERROR_ARGUMENT, "%s: expected %d, found %d", FNNI_CLASS_NAMES,
                           outputs == 1 ? 2 : outputs, count);
}

static fnn_result fnni_feature_count_check(fnn_model *model, int count)
{
    if (count == model->inputs) return FNN_OK;
    return fnni_model_fail(model, FNN_ERROR_ARGUMENT, "%s: expected %d, found %d",
                           FNNI_FEATURE_NAMES, model->inputs, count);
}

FNNI_COLD FNN_DEF fnn_result fnn_set_class_names(fnn_model *model, const char *const *names,
                                                 int count)
{
    fnn_result result = fnni_begin(model);
    if (!result && (names || count)) result = fnni_class_count_check(model, names ? count : 0);
    return result ? result
                  : fnni_names_set(model, &model->class_names, FNNI_CLASS_NAMES, names, count);
}

FNNI_COLD FNN_DEF fnn_result fnn_set_feature_names(fnn_model *model, const char *const *names,
                                                   int count)
{
    fnn_result result = fnni_begin(model);
    if (!result && (names || count)) result = fnni_feature_count_check(model, names ? count : 0);
    return result ? result
                  : fnni_names_set(model, &model->feature_names, FNNI_FEATURE_NAMES, names, count);
}

FNNI_COLD FNN_DEF fnn_result fnn_set_names(fnn_model *model, const fnn_dataset *data)
{
    fnn_result result = fnni_begin(model);
    if (!result && !data)
        result = fnni_model_fail(model, FNN_ERROR_ARGUMENT, "names: expected a data set, found %s",
                                 "NULL");
    if (!result && data->feature_names) {
        const size_t features = fnni_dataset_features(data);
        result = fnn_set_feature_names(model, data->feature_names,
                                       features > INT_MAX ? INT_MAX : (int)features);
    }
    if (!result && data->class_names)
        result = fnn_set_class_names(model, data->class_names, data->classes);
    return result;
}

FNN_DEF const char *fnn_class_name(const fnn_model *model, int i)
{
    return model ? fnni_texts_at(&model->class_names, i) : NULL;
}

FNN_DEF const char *fnn_feature_name(const fnn_model *model, int i)
{
    return model ? fnni_texts_at(&model->feature_names, i) : NULL;
}

/* A key must be no word of the library's, nor one that it may need later. */
static fnn_result fnni_key_check(fnn_model *model, const char *key)
{
    const size_t length = key ? strlen(key) : 0;
    size_t i = 0;
    char shown[FNNI_SHOWN];
    while (i < length && key[i] >= 32 && key[i] < 127) i++;
    if (length == 0 || length >= FNNI_TEXT || i < length)
        return fnni_model_fail(
            model, FNN_ERROR_ARGUMENT,
            "note: expected a key of 1 to %d printable ASCII characters, found %s%s%s",
            FNNI_TEXT - 1, key ? "\"" : "", key ? fnni_shown(key, length, shown) : "NULL",
            key ? "\"" : "");
    if (fnni_word_in(key, fnni_field_names, FNNI_FIELD_COUNT) >= 0 ||
        !strcmp(key, FNNI_CLASS_NAMES) || !strcmp(key, FNNI_FEATURE_NAMES) ||
        !strncmp(key, "fnn.", 4))
        return fnni_model_fail(model, FNN_ERROR_ARGUMENT,
                               "note: expected a key of your own, found \"%.60s\", a word of model "
                               "files",
                               key);
    return FNN_OK;
}

FNN_DEF const char *fnn_note(const fnn_model *model, const char *key)
{
    const char *text = model && key ? model->notes.text : NULL;
    int i;
    for (i = 0; text && i < model->notes.count; i += 2) {
        const char *value = text + strlen(text) + 1;
        if (!strcmp(text, key)) return value;
        text = value + strlen(value) + 1;
    }
    return NULL;
}

/* Room for the notes without that of the key, and with its new value if it has one. */
static fnn_result fnni_notes_room(fnn_model *model, fnni_texts *t, const char *key,
                                  const char *value)
{
    const char *old = fnn_note(model, key);
    size_t bytes = model->notes.bytes;
    memset(t, 0, sizeof *t);
    if (old) bytes -= strlen(key) + strlen(old) + 2;
    if (value) bytes = fnni_plus(bytes, strlen(key) + strlen(value) + 2);
    if (value && !old && model->notes.count >= 2 * FNNI_MAX_NOTES)
        return fnni_model_fail(model, FNN_ERROR_ARGUMENT, "notes: expected at most %d, found more",
                               FNNI_MAX_NOTES);
    return bytes ? fnni_texts_room(model, t, "notes", bytes) : FNN_OK;
}

FNNI_COLD FNN_DEF fnn_result fnn_set_note(fnn_model *model, const char *key, const char *value)
{
    fnni_texts fresh;
    int i;
    fnn_result result = fnni_begin(model);
    if (!result) result = fnni_key_check(model, key);
    if (!result && value) result = fnni_text_check(model, "note", value);
    if (!result) result = fnni_notes_room(model, &fresh, key, value);
    if (result) return result;
    for (i = 0; i < model->notes.count; i += 2) {
        const char *old = fnni_texts_at(&model->notes, i);
        if (!strcmp(old, key)) continue;
        fnni_texts_add(&fresh, old);
        fnni_texts_add(&fresh, old + strlen(old) + 1);
    }
    if (value) fnni_texts_add(&fresh, key), fnni_texts_add(&fresh, value);
    fnni_texts_replace(model, &model->notes, &fresh);
    return FNN_OK;
}

/* ---- what training needs to go on ---- */

#define FNNI_PROGRESS_NAME(type, field) #field,
static const char *const fnni_training_names[] = {"steps", "updates", "passes",
                                                  FNNI_PROGRESS_LIST(FNNI_PROGRESS_NAME)};
#undef FNNI_PROGRESS_NAME
#define FNNI_TRAINING_COUNT ((int)(sizeof fnni_training_names / sizeof *fnni_training_names))

/* Where the numbers of those names are; each has eight bytes. */
static void fnni_training_places(fnn_model *model, void **places)
{
#define FNNI_PROGRESS_PLACE(type, field) *places++ = &model->progress.field;
    *places++ = &model->steps;
    *places++ = &model->updates;
    *places++ = &model->passes;
    FNNI_PROGRESS_LIST(FNNI_PROGRESS_PLACE)
#undef FNNI_PROGRESS_PLACE
}

/* The tensors of training: rows of the model's parameters, or of all that training moves. */
static int fnni_training_tensor(const fnn_model *model, int which, fnni_tensor *t)
{
    const fnni_progress *p = &model->progress;
    const int kind = model->state_kind, l = model->layer_count;
    fnn_real *const none = NULL;
    size_t shape[2];
    shape[0] = kind < 0 ? 0 : (size_t)fnni_optimizers[kind].states;
    shape[1] = model->parameter_count;
    if (which == 0) return fnni_tensor_make(t, model, l, "state", &model->state, 0, 2, shape);
    shape[0] = (size_t)(which == 1 ? p->keeps_average : p->keeps_best);
    shape[1] = fnni_trained_count(model);
    if (which == 1) return fnni_tensor_make(t, model, l, "average", &p->average, 0, 2, shape);
    if (which == 2) return fnni_tensor_make(t, model, l, "best", &p->best, 0, 2, shape);
    shape[0] = (size_t)p->epochs;
    shape[1] = FNNI_EPOCH_FIGURES;
    if (which > 3 || !fnni_tensor_make(t, model, l, "history", &none, 0, 2, shape)) return 0;
    t->is_double = 1;
    t->doubles = p->history;
    return 1;
}

/* Tensor number `which` of layer l of a file, of the input for -1; training's stand behind the last
 * layer's. */
static int fnni_file_tensor(const fnn_model *model, int training, int l, int which, fnni_tensor *t)
{
    if (l < model->layer_count) return fnni_tensor_at(model, l, which, t);
    return training && fnni_training_tensor(model, which, t);
}

static size_t fnni_tensor_element(const fnni_tensor *t)
{
    return t->is_double ? sizeof *t->doubles : sizeof *t->values;
}

static const char *fnni_tensor_dtype(const fnni_tensor *t)
{
    return t->is_double ? "F64" : FNNI_DTYPE;
}

/* ---- writing ---- */

/* What a file is made of. */
typedef struct fnni_content {
    const fnn_model *model;
    int training;    /* a checkpoint's, too */
    uint64_t header; /* its length, spaces at the end included */
} fnni_content;

/* A text of any length in a JSON string, without its quotes. */
static void fnni_write_text(fnni_writer *w, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') fnni_emit(w, "\\", 1);
        fnni_emit(w, text, 1);
    }
}

static void fnni_write_names(fnni_writer *w, const char *field, const fnni_texts *t)
{
    const char *text = t->text;
    int i;
    if (t->count == 0) return;
    fnni_emit_text(w, ",\"%s\":\"", field);
    for (i = 0; i < t->count; i++, text += strlen(text) + 1) {
        if (i > 0) fnni_emit_text(w, "\\n");
        fnni_write_text(w, text);
    }
    fnni_emit_text(w, "\"");
}

static void fnni_write_notes(fnni_writer *w, const fnni_texts *t)
{
    const char *text = t->text;
    int i;
    for (i = 0; i < t->count; i++, text += strlen(text) + 1) {
        fnni_emit_text(w, i % 2 ? ":\"" : ",\"");
        fnni_write_text(w, text);
        fnni_emit_text(w, "\"");
    }
}

/* The words of layer l: what its builder takes. */
static void fnni_write_layer(fnni_writer *w, const fnni_layer *layer)
{
    fnni_emit_text(w, "%s", layer->type->name);
    if (layer->type->to_words) layer->type->to_words(w, layer);
}

static void fnni_write_training(fnni_writer *w, const fnn_model *model)
{
    void *places[FNNI_TRAINING_COUNT];
    int l, i;
    fnni_emit_text(w, ",\"%s\":\"optimizer %s", fnni_field_names[FNNI_FIELD_TRAINING],
                   fnni_optimizer_word(model->state_kind));
    for (l = 0; l < model->layer_count; l++)
        if (model->layers[l].frozen || model->layers[l].rate_factor != 1) {
            fnni_emit_text(w, "; layer %d %s", l, model->layers[l].frozen ? "frozen" : "trained");
            fnni_emit_word(w, model->layers[l].rate_factor);
        }
    fnni_training_places((fnn_model *)model, places); /* to be read */
    for (i = 0; i < FNNI_TRAINING_COUNT; i++) {
        uint64_t bits;
        memcpy(&bits, places[i], sizeof bits);
        fnni_emit_text(w, "; %s %llu", fnni_training_names[i], (unsigned long long)bits);
    }
    fnni_emit_text(w, "\"");
}

static void fnni_write_metadata(fnni_writer *w, const fnni_content *content)
{
    const fnn_model *model = content->model;
    char text[64];
    int l;
    fnni_emit_text(w, "\"__metadata__\":{\"library\":\"" FNNI_LIBRARY " %s" FNNI_SUM_WORD "%08lx\"",
                   FNN_VERSION, (unsigned long)w->checksum);
    fnni_emit_text(w, ",\"input\":\"%d %d %d\"", model->input.height, model->input.width,
                   model->input.channels);
    fnni_emit_text(w, ",\"normalization\":\"%s\"", fnni_normalization_names[model->normalization]);
    fnni_emit_text(w, ",\"loss\":\"%s\"", fnni_loss_of(model)->name);
    fnni_emit_text(w, ",\"label_smoothing\":\"%s\"",
                   fnni_real_text(model->label_smoothing, text, sizeof text));
    fnni_emit_text(w, ",\"epsilon\":\"%s\"",
                   fnni_real_text(model->loss_epsilon, text, sizeof text));
    fnni_emit_text(w, ",\"seed\":\"%llu\",\"layers\":\"", (unsigned long long)model->seed);
    for (l = 0; l < model->layer_count; l++) {
        if (l > 0) fnni_emit_text(w, "; ");
        fnni_write_layer(w, model->layers + l);
    }
    fnni_emit_text(w, "\"");
    if (content->training) fnni_write_training(w, model);
    fnni_write_names(w, FNNI_CLASS_NAMES, &model->class_names);
    fnni_write_names(w, FNNI_FEATURE_NAMES, &model->feature_names);
    fnni_write_notes(w, &model->notes);
    fnni_emit_text(w, "}");
}

static void fnni_write_header(fnni_writer *w, const fnni_content *content)
{
    uint64_t offset = 0;
    fnni_tensor t;
    int l, which, i;
    fnni_emit_text(w, "{");
    fnni_write_metadata(w, content);
    for (l = -1; l <= content->model->layer_count; l++)
        for (which = 0; fnni_file_tensor(content->model, content->training, l, which, &t);
             which++) {
            const uint64_t end = offset + (uint64_t)t.count * fnni_tensor_element(&t);
            fnni_emit_text(w, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", t.name,
                           fnni_tensor_dtype(&t));
            for (i = 0; i < t.rank; i++)
                fnni_emit_text(w, "%s%llu", i ? "," : "", (unsigned long long)t.shape[i]);
            fnni_emit_text(w, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)offset,
                           (unsigned long long)end);
            offset = end;
        }
    fnni_emit_text(w, "}");
}

/* The numbers' bits, so that a NaN keeps them too; in pieces, which the sum takes faster. */
static void fnni_write_tensor(fnni_writer *w, const fnni_tensor *t)
{
    const size_t element = fnni_tensor_element(t);
    const uint8_t *from = (const uint8_t *)(t->is_double ? (void *)t->doubles : (void *)t->values);
    uint8_t piece[2048];
    size_t at = 0, i, k;
    for (i = 0; i < t->count; i++, from += element) {
        uint64_t bits = 0;
        uint32_t half;
        if (element == sizeof bits) memcpy(&bits, from, sizeof bits);
        else memcpy(&half, from, sizeof half), bits = half;
        for (k = 0; k < element; k++) piece[at++] = (uint8_t)(bits >> 8 * k);
        if (at == sizeof piece) fnni_emit(w, piece, at), at = 0;
    }
    fnni_emit(w, piece, at);
}

static void fnni_write_content(fnni_writer *w, const fnni_content *content)
{
    fnni_tensor t;
    int l, which;
    fnni_emit_little(w, content->header, 8);
    fnni_write_header(w, content);
    while (w->total < 8 + content->header) fnni_emit(w, " ", 1);
    for (l = -1; l <= content->model->layer_count; l++)
        for (which = 0; fnni_file_tensor(content->model, content->training, l, which, &t); which++)
            fnni_write_tensor(w, &t);
}

/* The whole file; before, its header alone, to learn its length, and all of it for its sum. */
static void fnni_write_file(fnni_writer *w, const void *what)
{
    fnni_content content = *(const fnni_content *)what;
    uint32_t crc[16][256];
    fnni_writer counter;
    fnni_crc_tables(crc);
    memset(&counter, 0, sizeof counter);
    counter.counts = 1;
    fnni_write_header(&counter, &content);
    content.header = (8 + counter.total + FNNI_ALIGNMENT - 1) / FNNI_ALIGNMENT * FNNI_ALIGNMENT - 8;
    counter.total = 0;
    counter.crc = crc;
    if (!w->counts) fnni_write_content(&counter, &content);
    w->checksum = counter.sum;
    fnni_write_content(w, &content);
}

/* What a file cannot say. */
static fnn_result fnni_save_check(const fnn_model *model, fnn_error *error)
{
    int l;
    if (!model || model->broken) {
        const fnn_error *wrong = fnn_model_error(model);
        return fnni_fail(error, wrong->code, "%s", wrong->message);
    }
    if (!model->sealed)
        return fnni_fail(error, FNN_ERROR_STATE,
                         "save: expected a model in use, found one without weights (fnn_seal)");
    if (model->layer_count > FNNI_MAX_LAYERS)
        return fnni_fail(error, FNN_ERROR_STATE, "save: expected at most %d layers, found %d",
                         FNNI_MAX_LAYERS, model->layer_count);
    if (!fnni_is_finite(model->loss_epsilon))
        return fnni_fail(error, FNN_ERROR_NUMERIC, "save: the loss's epsilon is not finite");
    for (l = 0; l < model->layer_count; l++)
        if (!fnni_is_finite(model->layers[l].parameter))
            return fnni_fail(error, FNN_ERROR_NUMERIC, "save: layer %d %s: its parameter is %s", l,
                             model->layers[l].type->name, "not finite");
    return FNN_OK;
}

/* ---- reading: JSON, as far as a model file has it ----
 * Objects of known depth, strings of printable ASCII, whole numbers from 0; names and notes are
 * strings of any characters. Nothing recurses, and anything else is an error at its place. */

typedef struct fnni_reader {
    const char *path; /* its tail, for messages */
    fnn_error *error;
    const uint8_t *start, *at, *end; /* the header, and where reading is */
    const uint8_t *data;             /* the numbers */
    size_t data_size;
    char field[FNNI_FIELD_COUNT][FNNI_TEXT];
    unsigned fields;                  /* a bit for each one found */
    const uint8_t *layers, *training; /* the texts of the fields, which may be long */
    const uint8_t *library;           /* the text of that field, which says the sum */
    fnn_model *model;                 /* NULL on the first walk */
    uint8_t *seen;           /* for the input, then for each layer: a bit for each tensor found */
    struct fnni_span *spans; /* (span_count) where the tensors found lie; a place for each */
    size_t span_count;
    char stranger[FNNI_TEXT]; /* a member of the metadata that no model of ours has, or "" */
} fnni_reader;

/* Where a tensor of the model lies in the data. */
typedef struct fnni_span {
    size_t from, to;
    int layer, which;
} fnni_span;

FNNI_COLD static fnn_result fnni_json_fail(fnni_reader *r, const char *expected)
{
    const int c = r->at < r->end ? *r->at : -1;
    char found[32];
    if (c < 0) snprintf(found, sizeof found, "its end");
    else if (c > 32 && c < 127) snprintf(found, sizeof found, "'%c'", c);
    else snprintf(found, sizeof found, "byte %d", c);
    return fnni_fail(r->error, FNN_ERROR_FORMAT, "%s: header, byte %lu: expected %s, found %s",
                     r->path, (unsigned long)(r->at - r->start), expected, found);
}

static void fnni_json_blanks(fnni_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

/* Steps over c, and blanks before it; returns 0 when something else stands there. */
static int fnni_json_take(fnni_reader *r, char c)
{
    fnni_json_blanks(r);
    if (r->at == r->end || *r->at != (uint8_t)c) return 0;
    r->at++;
    return 1;
}

static fnn_result fnni_json_want(fnni_reader *r, char c)
{
    char expected[4] = {'\'', 0, '\'', 0};
    expected[1] = c;
    return fnni_json_take(r, c) ? FNN_OK : fnni_json_fail(r, expected);
}

/* The number of an escape such as u00e9, which is stepped over; -1 where none stands. */
static int fnni_json_code(fnni_reader *r)
{
    int value = 0, i;
    if (r->end - r->at < 5 || *r->at != 'u') return -1;
    for (i = 1; i < 5; i++) {
        const int c = r->at[i], letter = c | 32;
        if (c >= '0' && c <= '9') value = 16 * value + c - '0';
        else if (letter >= 'a' && letter <= 'f') value = 16 * value + letter - 'a' + 10;
        else return -1;
    }
    r->at += 5;
    return value;
}

/* What follows a backslash, or -1. */
static int fnni_json_escape(fnni_reader *r)
{
    const uint8_t *start = r->at;
    int value;
    if (r->at < r->end && (*r->at == '"' || *r->at == '\\' || *r->at == '/')) return *r->at++;
    value = fnni_json_code(r);
    if (value >= 32 && value < 127) return value;
    r->at = start;
    fnni_json_fail(r, "an escape for printable ASCII");
    return -1;
}

/* The next character of a string; 0 at its closing quote, which is stepped over; -1
 * for an error. */
static int fnni_json_character(fnni_reader *r)
{
    if (r->at == r->end || *r->at < 32 || *r->at > 126) {
        fnni_json_fail(r, "printable ASCII");
        return -1;
    }
    if (*r->at == '"') return r->at++, 0;
    if (*r->at != '\\') return *r->at++;
    r->at++;
    return fnni_json_escape(r);
}

/* A string of at most FNNI_TEXT - 1 characters. */
static fnn_result fnni_json_string(fnni_reader *r, char *text)
{
    int c, n = 0;
    const fnn_result result = fnni_json_want(r, '"');
    if (result) return result;
    while ((c = fnni_json_character(r)) > 0) {
        if (n == FNNI_TEXT - 1) return fnni_json_fail(r, "the end of a string that is too long");
        text[n++] = (char)c;
    }
    text[n] = 0;
    return c < 0 ? FNN_ERROR_FORMAT : FNN_OK;
}

/* Steps over a string of any length; *text is where it begins. */
static fnn_result fnni_json_skip_string(fnni_reader *r, const uint8_t **text)
{
    int c;
    const fnn_result result = fnni_json_want(r, '"');
    if (result) return result;
    *text = r->at;
    while ((c = fnni_json_character(r)) > 0) continue;
    return c < 0 ? FNN_ERROR_FORMAT : FNN_OK;
}

static fnn_result fnni_json_number(fnni_reader *r, size_t *number)
{
    const size_t largest = (size_t)-1;
    size_t n = 0;
    fnni_json_blanks(r);
    if (r->at == r->end || *r->at < '0' || *r->at > '9') return fnni_json_fail(r, "a number");
    if (*r->at == '0' && r->end - r->at > 1 && r->at[1] >= '0' && r->at[1] <= '9')
        return fnni_json_fail(r, "a number without a zero before it");
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        const size_t digit = (size_t)(*r->at - '0');
        if (n > (largest - digit) / 10) return fnni_json_fail(r, "a smaller number");
        n = 10 * n + digit;
    }
    *number = n;
    return FNN_OK;
}

/* [n, ...]; *count becomes how many, at most most. */
static fnn_result fnni_json_numbers(fnni_reader *r, size_t *numbers, int most, int *count)
{
    fnn_result result = fnni_json_want(r, '[');
    *count = 0;
    if (result || fnni_json_take(r, ']')) return result;
    do {
        if (*count == most) return fnni_json_fail(r, "fewer numbers");
        result = fnni_json_number(r, numbers + *count);
        (*count)++;
    } while (!result && fnni_json_take(r, ','));
    return result ? result : fnni_json_want(r, ']');
}

/* Begins a member of an object: its name, one of the list's that is not in *taken yet, and the
 * colon. Returns its place in the list, or -1 after an error. */
static int fnni_json_member(fnni_reader *r, const char *of, const char *const *list, int count,
                            unsigned *taken)
{
    char name[FNNI_TEXT];
    int place;
    if (fnni_json_string(r, name)) return -1;
    place = fnni_word_in(name, list, count);
    if (place < 0 || *taken >> place & 1) {
        fnni_fail(r->error, FNN_ERROR_FORMAT, "%s: %.60s: %s \"%.50s\"", r->path, of,
                  place < 0 ? "unknown member" : "found twice,", name);
        return -1;
    }
    *taken |= 1u << place;
    return fnni_json_want(r, ':') ? -1 : place;
}

/* ---- reading: the header ---- */

typedef struct fnni_entry {
    char name[FNNI_TEXT], dtype[FNNI_TEXT];
    int rank;
    size_t shape[FNNI_MAX_RANK];
    size_t offsets[2];
} fnni_entry;

/* A file of somebody else's: safetensors, but no model of this library. */
static fnn_result fnni_foreign_fail(fnni_reader *r)
{
    return fnni_fail(
        r->error, FNN_ERROR_FORMAT,
        "%s: safetensors, but not written by this library: expected \"library\" in "
        "__metadata__, found %s%.40s%s (fnn_load_weights reads weights from elsewhere)",
        r->path, r->stranger[0] ? "\"" : "none", r->stranger, r->stranger[0] ? "\"" : "");
}

/* Steps over a string of any characters and escapes; *text is where it begins. */
static fnn_result fnni_json_skip_text(fnni_reader *r, const uint8_t **text)
{
    const fnn_result result = fnni_json_want(r, '"');
    if (result) return result;
    *text = r->at;
    for (; r->at < r->end && *r->at != '"'; r->at++) {
        if (*r->at < 32) return fnni_json_fail(r, "an escape for a control character");
        if (*r->at == '\\' && r->end - r->at > 1) r->at++;
    }
    return fnni_json_take(r, '"') ? FNN_OK : fnni_json_fail(r, "'\"'");
}

/* Writes a code point as UTF-8, at most four bytes; returns where they end. */
static char *fnni_utf8_put(char *to, uint32_t code)
{
    const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t first[] = {0, 0xC0, 0xE0, 0xF0};
    int i;
    *to++ = (char)(uint8_t)(first[more] | code >> 6 * more);
    for (i = more; i-- > 0;) *to++ = (char)(uint8_t)(0x80 | (code >> 6 * i & 0x3F));
    return to;
}

/* The code point that follows a backslash, in one escape or in a pair of UTF-16; 0 for an error,
 * since no text here may hold a zero. */
static uint32_t fnni_json_code_point(fnni_reader *r)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const uint8_t *start = r->at;
    const char *letter = (const char *)memchr(letters, *r->at, sizeof letters - 1);
    int code, low;
    if (letter) return r->at++, (uint32_t)meanings[letter - letters];
    code = fnni_json_code(r);
    if (code > 0 && (code < 0xD800 || code >= 0xE000)) return (uint32_t)code;
    if (code >= 0xD800 && code < 0xDC00 && *r->at == '\\') {
        r->at++;
        low = fnni_json_code(r);
        if (low >= 0xDC00 && low < 0xE000)
            return 0x10000u + ((uint32_t)(code - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
    }
    r->at = start;
    fnni_json_fail(r, "an escape for a character");
    return 0;
}

/* The text of a string that has been stepped over, from r->at on, which is no longer than its
 * escapes: `text` has room for it. */
static fnn_result fnni_json_text(fnni_reader *r, char *text)
{
    uint32_t code;
    while (*r->at != '"') {
        if (*r->at != '\\') {
            *text++ = (char)*r->at++;
            continue;
        }
        r->at++;
        code = fnni_json_code_point(r);
        if (code == 0) return FNN_ERROR_FORMAT;
        text = fnni_utf8_put(text, code);
    }
    r->at++;
    *text = 0;
    return FNN_OK;
}

/* What a builder of the model says is wrong is wrong with the file, unless memory is out. */
static fnn_result fnni_read_fail(fnni_reader *r)
{
    const fnn_error *e = fnn_model_error(r->model);
    const fnn_result code = e->code == FNN_ERROR_MEMORY ? FNN_ERROR_MEMORY : FNN_ERROR_FORMAT;
    return fnni_fail(r->error, code, "%s: %.140s", r->path, e->message);
}

static fnn_result fnni_twice_fail(fnni_reader *r, const char *name)
{
    return fnni_fail(r->error, FNN_ERROR_FORMAT, "%s: __metadata__: found twice, \"%.50s\"",
                     r->path, name);
}

/* Names from lines, which are cut for it. */
static fnn_result fnni_take_names(fnni_reader *r, fnni_texts *t, const char *field, char *lines,
                                  fnn_result (*check)(fnn_model *, int))
{
    fnni_texts fresh;
    fnn_result result;
    char *line, *next;
    int count = 1;
    if (t->count) return fnni_twice_fail(r, field);
    for (line = lines; (line = strchr(line, '\n')) != NULL; line++) count++;
    result = check(r->model, count);
    if (!result) result = fnni_texts_room(r->model, &fresh, field, strlen(lines) + 1);
    if (result) return fnni_read_fail(r);
    for (line = lines; line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        if (!result) result = fnni_text_check(r->model, field, line);
        fnni_texts_add(&fresh, line);
    }
    fnni_texts_replace(r->model, t, &fresh); /* the model frees them, right or wrong */
    return result ? fnni_read_fail(r) : FNN_OK;
}

/* Puts a text of the metadata where it belongs. */
static fnn_result fnni_take_text(fnni_reader *r, const char *name, char *text)
{
    fnn_model *model = r->model;
    if (!strcmp(name, FNNI_CLASS_NAMES))
        return fnni_take_names(r, &model->class_names, name, text, fnni_class_count_check);
    if (!strcmp(name, FNNI_FEATURE_NAMES))
        return fnni_take_names(r, &model->feature_names, name, text, fnni_feature_count_check);
    if (fnn_note(model, name)) return fnni_twice_fail(r, name);
    return fnn_set_note(model, name, text) ? fnni_read_fail(r) : FNN_OK;
}

/* A member that is no field: names or a note. It is stepped over until the model can take it. */
static fnn_result fnni_read_text(fnni_reader *r, const char *name)
{
    const fnn_allocator *allocator;
    const uint8_t *from;
    char *text;
    size_t room;
    fnn_result result = fnni_json_skip_text(r, &from);
    if (result || !r->model || !r->model->sealed) return result;
    allocator = &r->model->context.allocator;
    room = (size_t)(r->at - from); /* the quote's byte is the zero's */
    text = (char *)fnni_allocate(allocator, room);
    if (!text) return fnni_fail_memory(r->error, r->path, room);
    r->at = from;
    result = fnni_json_text(r, text);
    if (!result) result = fnni_take_text(r, name, text);
    fnni_release(allocator, text);
    return result;
}

static fnn_result fnni_read_member(fnni_reader *r)
{
    char name[FNNI_TEXT];
    int field;
    fnn_result result = fnni_json_string(r, name);
    if (!result) result = fnni_json_want(r, ':');
    if (result) return result;
    field = fnni_word_in(name, fnni_field_names, FNNI_FIELD_COUNT);
    if (field < 0) {
        if (!r->stranger[0]) memcpy(r->stranger, name, sizeof name);
        return fnni_read_text(r, name);
    }
    if (r->fields >> field & 1) return fnni_twice_fail(r, name);
    r->fields |= 1u << field;
    if (field == FNNI_FIELD_LAYERS) return fnni_json_skip_string(r, &r->layers);
    if (field == FNNI_FIELD_TRAINING) return fnni_json_skip_string(r, &r->training);
    fnni_json_blanks(r);
    if (field == FNNI_FIELD_LIBRARY) r->library = r->at + 1;
    return fnni_json_string(r, r->field[field]);
}

static fnn_result fnni_read_metadata(fnni_reader *r)
{
    fnn_result result = fnni_json_want(r, '{');
    if (result || fnni_json_take(r, '}')) return result;
    do result = fnni_read_member(r);
    while (!result && fnni_json_take(r, ','));
    if (!result) result = fnni_json_want(r, '}');
    if (!result && !(r->fields >> FNNI_FIELD_LIBRARY & 1)) return fnni_foreign_fail(r);
    return result;
}

/* The offsets of a tensor must lie within the data, and at `from`. */
static fnn_result fnni_check_offsets(fnni_reader *r, const char *name, size_t from,
                                     const size_t *offsets)
{
    if (offsets[0] == from && offsets[1] >= from && offsets[1] <= r->data_size) return FNN_OK;
    return fnni_fail(r->error, FNN_ERROR_FORMAT,
                     "%s: %.60s: expected data from byte %llu to at most %llu, found %llu to %llu",
                     r->path, name, (unsigned long long)from, (unsigned long long)r->data_size,
                     (unsigned long long)offsets[0], (unsigned long long)offsets[1]);
}

static fnn_result fnni_read_entry(fnni_reader *r, fnni_entry *e)
{
    static const char *const members[] = {"dtype", "shape", "data_offsets"};
    unsigned taken = 0;
    int count;
    fnn_result result = fnni_json_want(r, '{');
    if (result) return result;
    do {
        switch (fnni_json_member(r, e->name, members, 3, &taken)) {
        case 0: result = fnni_json_string(r, e->dtype); break;
        case 1: result = fnni_json_numbers(r, e->shape, FNNI_MAX_RANK, &e->rank); break;
        case 2:
            result = fnni_json_numbers(r, e->offsets, 2, &count);
            if (!result && count != 2) result = fnni_json_fail(r, "two offsets before it");
            break;
        default: result = FNN_ERROR_FORMAT; break;
        }
    } while (!result && fnni_json_take(r, ','));
    if (!result && taken != 7) result = fnni_json_fail(r, "dtype, shape and data_offsets");
    return result ? result : fnni_json_want(r, '}');
}

/* "[2, 3]" */
static const char *fnni_shape_text(char *text, size_t size, int rank, const size_t *shape)
{
    size_t length = (size_t)snprintf(text, size, "[");
    int i;
    for (i = 0; i < rank && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%llu", i ? ", " : "",
                                   (unsigned long long)shape[i]);
    if (length < size) snprintf(text + length, size - length, "]");
    return text;
}

/* Finds the model's tensor of that name. Its layer is the number in front: no search. */
static int fnni_tensor_find(const fnni_reader *r, const char *name, fnni_tensor *t, int *layer,
                            int *which)
{
    const fnn_model *model = r->model;
    const char *p = name;
    int l = 0;
    if (!strncmp(name, "input.", 6)) l = -1;
    if (!strncmp(name, "training.", 9)) l = model->layer_count;
    for (; l >= 0 && *p >= '0' && *p <= '9'; p++) {
        l = 10 * l + *p - '0';
        if (l >= model->layer_count) return 0;
    }
    *layer = l;
    for (*which = 0; fnni_file_tensor(model, r->training != NULL, l, *which, t); (*which)++)
        if (!strcmp(t->name, name)) return 1;
    return 0;
}

/* An entry against the model, on the second walk. */
static fnn_result fnni_tensor_match(fnni_reader *r, const fnni_entry *e, const fnni_tensor *t,
                                    int l, int which)
{
    const fnni_span span = {e->offsets[0], e->offsets[1], l, which};
    char expected[96], found[96];
    const size_t bytes = fnni_times(t->count, fnni_tensor_element(t));
    if (r->seen[l + 1] >> which & 1)
        return fnni_fail(r->error, FNN_ERROR_FORMAT, "%s: %.60s: found twice", r->path, e->name);
    r->seen[l + 1] |= (uint8_t)(1 << which);
    if (strcmp(e->dtype, fnni_tensor_dtype(t)))
        return fnni_fail(r->error, FNN_ERROR_FORMAT, "%s: %.60s: expected %s, found %.40s", r->path,
                         e->name, fnni_tensor_dtype(t), e->dtype);
    if (e->rank != t->rank || memcmp(e->shape, t->shape, (size_t)t->rank * sizeof *t->shape))
        return fnni_fail(r->error, FNN_ERROR_FORMAT, "%s: %.40s: expected shape %s, found %s",
                         r->path, e->name,
                         fnni_shape_text(expected, sizeof expected, t->rank, t->shape),
                         fnni_shape_text(found, sizeof found, e->rank, e->shape));
    if (e->offsets[1] - e->offsets[0] != bytes)
        return fnni_fail(r->error, FNN_ERROR_FORMAT, "%s: %.60s: expected %llu bytes, found %llu",
                         r->path, e->name, (unsigned long long)bytes,
                         (unsigned long long)(e->offsets[1] - e->offsets[0]));
    r->spans[r->span_count++] = span;
    return FNN_OK;
}

/* The numbers of a tensor that fits, on the third walk. */
static void fnni_tensor_fill(const fnni_reader *r, const fnni_entry *e, const fnni_tensor *t)
{
    const uint8_t *from = r->data + e->offsets[0];
    size_t i;
    for (i = 0; i < t->count && fnni_tensor_element(t) == 4; i++, from += 4) {
        const uint32_t bits = fnni_little_32(from);
        memcpy(t->values + i, &bits, sizeof bits);
    }
    for (i = 0; i < t->count && fnni_tensor_element(t) == 8; i++, from += 8) {
        const uint64_t bits = fnni_little_64(from);
        if (t->is_double) memcpy(t->doubles + i, &bits, sizeof bits);
        else memcpy(t->values + i, &bits, sizeof bits);
    }
}

/* A tensor's entry, its name read. */
static fnn_result fnni_read_tensor(fnni_reader *r, fnni_entry *e)
{
    fnni_tensor t;
    int l, which;
    fnn_result result = fnni_read_entry(r, e);
    if (!result)
        result = fnni_check_offsets(r, e->name, e->offsets[0] <= r->data_size ? e->offsets[0] : 0,
                                    e->offsets);
    if (result || !r->model) return result;
    if (!fnni_tensor_find(r, e->name, &t, &l, &which))
        return fnni_fail(r->error, FNN_ERROR_FORMAT,
                         "%s: %.60s: the model has no tensor of that name", r->path, e->name);
    if (r->model->sealed) fnni_tensor_fill(r, e, &t);
    else result = fnni_tensor_match(r, e, &t, l, which);
    return result;
}

/* One walk over the header. What it does depends on the model: there is none, or it is without
 * memory for its tensors, or with it. */
static fnn_result fnni_walk(fnni_reader *r)
{
    fnni_entry e;
    fnn_result result;
    int metadata = 0;
    r->at = r->start;
    r->fields = 0;
    if (r->at == r->end || *r->at != '{') return fnni_json_fail(r, "'{'");
    r->at++;
    do {
        result = fnni_json_string(r, e.name);
        if (!result) result = fnni_json_want(r, ':');
        if (result) return result;
        if (strcmp(e.name, "__metadata__")) result = fnni_read_tensor(r, &e);
        else if (metadata++)
            result =
                fnni_fail(r->error, FNN_ERROR_FORMAT, "%s: __metadata__: found twice", r->path);
        else result = fnni_read_metadata(r);
    } while (!result && fnni_json_take(r, ','));
    if (!result) result = fnni_json_want(r, '}');
    if (result) return result;
    fnni_json_blanks(r);
    return r->at < r->end ? fnni_json_fail(r, "nothing but blanks after it") : FNN_OK;
}

/* ---- reading: the model that the metadata describe ---- */

/* The next words of a field, up to a semicolon or its end, also as one text. Returns what ended
 * them: ';', 0, less for an error; another character where they are too long. */
static int fnni_read_words(fnni_reader *r, fnni_words *w, char *text)
{
    int c, n;
    for (n = 0; (c = fnni_json_character(r)) > 0 && c != ';' && n < FNNI_TEXT - 1; n++)
        w->text[n] = (char)c;
    w->text[n] = 0;
    memcpy(text, w->text, sizeof w->text);
    fnni_words_cut(w);
    return c;
}

static fnn_result fnni_read_layers(fnni_reader *r)
{
    fnn_model *model = r->model;
    size_t parameters = 0, statistics = 0;
    fnni_words w;
    int c = ';';
    r->at = r->layers;
    while (c == ';') {
        const int l = model->layer_count;
        const fnni_layer_type *type;
        char text[FNNI_TEXT];
        c = fnni_read_words(r, &w, text);
        type = (c == ';' || c <= 0) && w.count > 0 ? fnni_layer_named(w.word[0]) : NULL;
        if (type && l < FNNI_MAX_LAYERS) type->from_words(model, &w);
        if (model->broken) return fnni_read_fail(r);
        if (model->layer_count != l + 1)
            return fnni_fail(r->error, FNN_ERROR_FORMAT,
                             "%s: layer %d: expected the words of a layer, found \"%.60s\"",
                             r->path, l, text);
        parameters = fnni_plus(parameters, model->layers[l].weights + model->layers[l].biases);
        statistics = fnni_plus(statistics, model->layers[l].statistics);
    }
    if (fnni_plus(parameters, statistics) == (size_t)-1)
        return fnni_fail(r->error, FNN_ERROR_FORMAT, "%s: layers of too many parameters", r->path);
    model->parameter_count = parameters; /* which training's tensors are matched with */
    model->statistics_count = statistics;
    return FNN_OK;
}

/* "layer 3 frozen 1": whether it is trained, and its rate factor. Returns 0 for anything else. */
static int fnni_take_layer(fnn_model *model, const fnni_words *w)
{
    fnn_real factor;
    int l;
    if (w->count != 4 || !fnni_word_int(w->word[1], &l) || l >= model->layer_count ||
        !fnni_word_real(w->word[3], &factor) || !(factor >= 0))
        return 0;
    model->layers[l].frozen = !strcmp(w->word[2], "frozen");
    model->layers[l].rate_factor = factor;
    return model->layers[l].frozen || !strcmp(w->word[2], "trained");
}

/* Takes the words of one thing that training needs; a bit for each number found is set in *taken.
 * Returns 0 where they are none. */
static int fnni_take_training(fnn_model *model, const fnni_words *w, uint64_t *taken)
{
    void *places[FNNI_TRAINING_COUNT];
    uint64_t number;
    int i;
    if (w->count > 0 && !strcmp(w->word[0], "layer")) return fnni_take_layer(model, w);
    if (w->count != 2) return 0;
    if (!strcmp(w->word[0], "optimizer")) {
        model->state_kind = fnni_optimizer_named(w->word[1]);
        return model->state_kind >= 0 || !strcmp(w->word[1], FNNI_NO_OPTIMIZER);
    }
    i = fnni_word_in(w->word[0], fnni_training_names, FNNI_TRAINING_COUNT);
    if (i < 0 || *taken >> i & 1 || !fnni_word_count(w->word[1], UINT64_MAX, &number)) return 0;
    *taken |= (uint64_t)1 << i;
    fnni_training_places(model, places);
    memcpy(places[i], &number, sizeof number);
    return 1;
}

/* Whether a number from a file is one that a fit may have got to. Those that are counted on have
 * room for that. */
static int fnni_progress_possible(const fnni_progress *p)
{
    const int64_t most = INT64_MAX / 2;
    return p->samples >= 0 && p->batch_size >= 0 && p->epoch_steps >= 0 && p->position >= 0 &&
           p->position <= p->samples && p->epochs >= 0 && p->epochs <= INT_MAX && p->step >= 0 &&
           p->fit_steps >= p->step && p->fit_steps < most && p->seen >= 0 && p->seen < most &&
           p->waited >= -1 && p->waited < INT_MAX && p->shuffle >= 0 && p->shuffle <= 1 &&
           p->monitor >= 0 && p->monitor < FNN_MONITOR_COUNT &&
           (p->keeps_average == 0 || p->keeps_average == 1) &&
           (p->keeps_best == 0 || p->keeps_best == 1) &&
           (p->shows_average == 0 || p->shows_average == p->keeps_average) &&
           (p->shows_best == 0 || p->shows_best == p->keeps_best);
}

/* What a checkpoint says of training, but its tensors. */
static fnn_result fnni_read_training(fnni_reader *r)
{
    uint64_t taken = 0;
    char text[FNNI_TEXT] = "";
    fnni_words w;
    int c = ';';
    r->at = r->training;
    while (c == ';') {
        c = fnni_read_words(r, &w, text);
        if (c > 0 && c != ';') break;
        if (!fnni_take_training(r->model, &w, &taken)) c = 1;
    }
    if (c == 0 && taken + 1 == (uint64_t)1 << FNNI_TRAINING_COUNT) {
        if (fnni_progress_possible(&r->model->progress)) return FNN_OK;
        snprintf(text, sizeof text, "numbers that no fit has");
    } else if (c == 0) snprintf(text, sizeof text, "too few");
    return fnni_fail(r->error, FNN_ERROR_FORMAT,
                     "%s: %s: expected words and numbers, found \"%.60s\"", r->path,
                     fnni_field_names[FNNI_FIELD_TRAINING], text);
}

/* A field that is a word of some list, of which `such` is one. */
static fnn_result fnni_read_choice(fnni_reader *r, fnni_field field, int found, const char *such)
{
    if (found >= 0) return FNN_OK;
    return fnni_fail(r->error, FNN_ERROR_FORMAT,
                     "%s: %s: expected one such as \"%s\", found \"%.60s\"", r->path,
                     fnni_field_names[field], such, r->field[field]);
}

static fnn_result fnni_read_number(fnni_reader *r, fnni_field field, fnn_real *number)
{
    if (fnni_word_real(r->field[field], number)) return FNN_OK;
    return fnni_fail(r->error, FNN_ERROR_FORMAT, "%s: %s: expected a number, found \"%.60s\"",
                     r->path, fnni_field_names[field], r->field[field]);
}

/* The fields but input and layers. */
static fnn_result fnni_read_settings(fnni_reader *r)
{
    fnn_model *model = r->model;
    const int own = !strcmp(r->field[FNNI_FIELD_LOSS], fnni_loss_function_type.name);
    const int loss = own ? (int)model->loss : fnni_loss_named(r->field[FNNI_FIELD_LOSS]);
    const int normalization = fnni_word_in(r->field[FNNI_FIELD_NORMALIZATION],
                                           fnni_normalization_names, FNN_NORMALIZATION_COUNT);
    fnn_real smoothing, epsilon;
    fnn_result result = fnni_read_choice(r, FNNI_FIELD_LOSS, loss, fnni_losses[0].name);
    if (!result)
        result = fnni_read_choice(r, FNNI_FIELD_NORMALIZATION, normalization,
                                  fnni_normalization_names[0]);
    if (!result) result = fnni_read_number(r, FNNI_FIELD_LABEL_SMOOTHING, &smoothing);
    if (!result) result = fnni_read_number(r, FNNI_FIELD_EPSILON, &epsilon);
    if (result) return result;
    if (!fnni_word_count(r->field[FNNI_FIELD_SEED], UINT64_MAX, &model->seed))
        return fnni_fail(r->error, FNN_ERROR_FORMAT,
                         "%s: seed: expected a whole number, found \"%.60s\"", r->path,
                         r->field[FNNI_FIELD_SEED]);
    model->normalization = (fnn_normalization)normalization;
    if (fnn_set_loss(model, (fnn_loss_kind)loss, smoothing, epsilon)) return fnni_read_fail(r);
    model->loss_is_own = own; /* which, the caller must say */
    return FNN_OK;
}

/* A model without weights. */
static fnn_result fnni_read_model(fnni_reader *r, const fnn_context_config *config)
{
    fnni_words w;
    int side[3], i, right = 1;
    fnn_result result;
    for (i = 0; i < FNNI_FIELD_COUNT; i++)
        if (!(r->fields >> i & 1) && i != FNNI_FIELD_TRAINING)
            return fnni_fail(r->error, FNN_ERROR_FORMAT,
                             "%s: expected a model of fmnist_nn, found no \"%s\" in __metadata__",
                             r->path, fnni_field_names[i]);
    memcpy(w.text, r->field[FNNI_FIELD_INPUT], sizeof w.text);
    fnni_words_cut(&w);
    for (i = 0; right && i < 3; i++) right = w.count == 3 && fnni_word_int(w.word[i], side + i);
    if (!right)
        return fnni_fail(r->error, FNN_ERROR_FORMAT,
                         "%s: input: expected three numbers, found \"%.60s\"", r->path,
                         r->field[FNNI_FIELD_INPUT]);
    r->model = fnn_sequential_with(config, side[0], side[1], side[2]);
    if (fnn_model_error(r->model)->code) return fnni_read_fail(r);
    result = fnni_read_settings(r);
    if (!result) result = fnni_read_layers(r);
    return result || !r->training ? result : fnni_read_training(r);
}

/* ---- reading: the whole file ---- */

/* A file that does not begin as safetensors do, by what it begins with. */
static fnn_result fnni_stranger_fail(fnni_reader *r, const fnni_file *file)
{
    char shown[FNNI_SHOWN];
    return fnni_fail(r->error, FNN_ERROR_FORMAT,
                     "%s: not a safetensors file: expected a header's length and '{', found \"%s\"",
                     r->path, fnni_shown((const char *)file->bytes, file->size, shown));
}

/* Cuts the file into header and data. */
static fnn_result fnni_read_frame(fnni_reader *r, const fnni_file *file)
{
    uint64_t length;
    if (file->size < 8)
        return fnni_fail(r->error, FNN_ERROR_FORMAT,
                         "%s: not a safetensors file: expected 8 bytes or more, found %lu", r->path,
                         (unsigned long)file->size);
    length = fnni_little_64(file->bytes);
    if (length > FNNI_MAX_HEADER || length > file->size - 8) {
        if (file->size == 8 || file->bytes[8] != '{') return fnni_stranger_fail(r, file);
        return fnni_fail(r->error, FNN_ERROR_FORMAT,
                         "%s: expected a safetensors header of at most %llu bytes, found one of "
                         "%llu",
                         r->path,
                         (unsigned long long)(file->size - 8 < FNNI_MAX_HEADER ? file->size - 8
                                                                               : FNNI_MAX_HEADER),
                         (unsigned long long)length);
    }
    r->start = file->bytes + 8;
    r->end = r->data = r->start + (size_t)length;
    r->data_size = file->size - 8 - (size_t)length;
    return FNN_OK;
}

/* Whether each tensor of the model has been seen. */
static fnn_result fnni_read_complete(fnni_reader *r)
{
    fnni_tensor t;
    int l, which;
    for (l = -1; l <= r->model->layer_count; l++)
        for (which = 0; fnni_file_tensor(r->model, r->training != NULL, l, which, &t); which++)
            if (!(r->seen[l + 1] >> which & 1))
                return fnni_fail(r->error, FNN_ERROR_FORMAT, "%s: expected a tensor %s, found none",
                                 r->path, t.name);
    return FNN_OK;
}

/* For qsort: by place in the data; where two begin at one place, all but one are empty. */
static int fnni_compare_spans(const void *a, const void *b)
{
    const fnni_span *one = (const fnni_span *)a, *two = (const fnni_span *)b;
    if (one->from != two->from) return one->from > two->from ? 1 : -1;
    return (one->to > two->to) - (one->to < two->to);
}

/* The tensors may be listed in any order; their data must follow one on another to the end, without
 * a hole and without a byte that two of them have. */
static fnn_result fnni_read_places(fnni_reader *r)
{
    fnn_result result = FNN_OK;
    fnni_tensor t;
    size_t end = 0, i;
    qsort(r->spans, r->span_count, sizeof *r->spans, fnni_compare_spans);
    for (i = 0; !result && i < r->span_count; i++) {
        const size_t offsets[2] = {r->spans[i].from, r->spans[i].to};
        fnni_file_tensor(r->model, 1, r->spans[i].layer, r->spans[i].which, &t);
        result = fnni_check_offsets(r, t.name, end, offsets);
        end = r->spans[i].to;
    }
    if (!result && end != r->data_size)
        result = fnni_fail(r->error, FNN_ERROR_FORMAT,
                           "%s: expected %llu bytes of data for the tensors, found %llu", r->path,
                           (unsigned long long)end, (unsigned long long)r->data_size);
    return result;
}

/* Those of training included. */
static size_t fnni_tensor_count(const fnn_model *model)
{
    fnni_tensor t;
    size_t count = 0;
    int l, which;
    for (l = -1; l <= model->layer_count; l++)
        for (which = 0; fnni_file_tensor(model, 1, l, which, &t); which++) count++;
    return count;
}

/* Second walk: the tensors against the model, which has no memory for them yet. */
static fnn_result fnni_match_tensors(fnni_reader *r)
{
    const fnn_allocator *allocator = &r->model->context.allocator;
    const size_t marks = (size_t)r->model->layer_count + 2;
    const size_t spans = fnni_times(fnni_tensor_count(r->model), sizeof *r->spans);
    fnn_result result = FNN_OK;
    r->seen = (uint8_t *)fnni_allocate(allocator, marks);
    r->spans = (fnni_span *)fnni_allocate(allocator, spans);
    if (!r->seen || !r->spans)
        result = fnni_fail_memory(r->error, r->path, fnni_plus(marks, spans));
    else memset(r->seen, 0, marks);
    if (!result) result = fnni_walk(r);
    if (!result) result = fnni_read_complete(r);
    if (!result) result = fnni_read_places(r);
    fnni_release(allocator, r->seen);
    fnni_release(allocator, r->spans);
    return result;
}

/* Memory for what a checkpoint holds beside the model; 0 when it is out. */
static int fnni_training_room(fnn_model *model)
{
    const fnn_allocator *a = &model->context.allocator;
    const size_t state = fnni_state_count(model, model->state_kind);
    fnni_progress *p = &model->progress;
    if (state) model->state = fnni_allocate_reals(a, state);
    if (p->keeps_average)
        p->average = fnni_allocate_reals(a, fnni_trained_count(model) + 1); /* not 0 */
    if (p->keeps_best) p->best = fnni_allocate_reals(a, fnni_trained_count(model) + 1);
    return (model->state || !state) && (p->average || !p->keeps_average) &&
           (p->best || !p->keeps_best) && fnni_history_room(model, p->epochs);
}

/* Second and third walk: the tensors against the model, then into it. */
static fnn_result fnni_read_tensors(fnni_reader *r)
{
    fnn_model *model = r->model;
    const fnn_allocator *allocator = &model->context.allocator;
    const size_t inputs = (size_t)model->inputs;
    const fnn_result result = fnni_match_tensors(r);
    if (result) return result;
    if (fnni_normalizes(model->normalization)) {
        model->shift = fnni_allocate_reals(allocator, inputs);
        model->scale = fnni_allocate_reals(allocator, inputs);
        if (!model->shift || !model->scale)
            return fnni_fail_memory(r->error, r->path, 2 * inputs * sizeof(fnn_real));
    }
    if (r->training && !fnni_training_room(model))
        return fnni_fail(r->error, FNN_ERROR_MEMORY, "%s: no memory for training", r->path);
    if (fnni_parameters_make(model)) return fnni_read_fail(r);
    return fnni_walk(r);
}

/* Where the digits of the file's sum are, behind its version; NULL where they are not as they are
 * written. */
static const uint8_t *fnni_sum_digits(const fnni_reader *r)
{
    const char *library = r->field[FNNI_FIELD_LIBRARY], *word = strstr(library, FNNI_SUM_WORD);
    if (!word || strlen(word) != strlen(FNNI_SUM_WORD) + FNNI_SUM_DIGITS) return NULL;
    if (memcmp(r->library, library, strlen(library))) return NULL;
    return r->library + (word - library) + strlen(FNNI_SUM_WORD);
}

/* Whether the file has the sum that it says. Earlier versions wrote none. */
static fnn_result fnni_read_sum(fnni_reader *r, const fnni_file *file)
{
    static const uint8_t zeros[FNNI_SUM_DIGITS + 1] = "00000000";
    const char *library = r->field[FNNI_FIELD_LIBRARY];
    const uint8_t *digits = fnni_sum_digits(r);
    uint32_t crc[16][256], sum;
    char text[FNNI_SUM_DIGITS + 1];
    if (!(r->fields >> FNNI_FIELD_LIBRARY & 1)) return fnni_foreign_fail(r);
    if (!strcmp(library, FNNI_LIBRARY " 0.1.0") || !strcmp(library, FNNI_LIBRARY " 0.2.0"))
        return FNN_OK;
    if (!digits)
        return fnni_fail(r->error, FNN_ERROR_FORMAT,
                         "%s: library: expected a version and its checksum, found \"%.60s\"",
                         r->path, library);
    fnni_crc_tables(crc);
    sum = fnni_crc(crc, 0, file->bytes, (size_t)(digits - file->bytes));
    sum = fnni_crc(crc, sum, zeros, FNNI_SUM_DIGITS);
    digits += FNNI_SUM_DIGITS;
    sum = fnni_crc(crc, sum, digits, file->size - (size_t)(digits - file->bytes));
    snprintf(text, sizeof text, "%08lx", (unsigned long)sum);
    digits -= FNNI_SUM_DIGITS;
    if (!memcmp(text, digits, FNNI_SUM_DIGITS)) return FNN_OK;
    return fnni_fail(r->error, FNN_ERROR_FORMAT,
                     "%s: damaged: expected the checksum %.8s, found that of %s", r->path,
                     (const char *)digits, text);
}

/* The model in a file that has been read; path is its name in messages. */
static fnn_model *fnni_load_file(const fnni_file *file, const char *path,
                                 const fnn_context_config *config, fnn_error *error)
{
    fnni_reader r;
    fnn_result result;
    memset(&r, 0, sizeof r);
    r.path = fnni_path_tail(path);
    r.error = error;
    result = fnni_read_frame(&r, file);
    if (!result) result = fnni_walk(&r);
    if (!result) result = fnni_read_sum(&r, file);
    if (!result) result = fnni_read_model(&r, config);
    if (!result) result = fnni_read_tensors(&r);
    if (!result) return r.model;
    fnn_model_free(r.model);
    return NULL;
}

static fnn_model *fnni_load(const char *path, const fnn_context_config *config, fnn_error *error)
{
    fnn_model *model;
    fnni_file file;
    if (fnni_file_read(&file, path, &config->allocator, error)) return NULL;
    model = fnni_load_file(&file, path, config, error);
    fnni_file_release(&file, &config->allocator);
    return model;
}

static fnn_result fnni_save(const fnn_model *model, int training, const char *path,
                            fnn_error *error)
{
    fnni_content content;
    fnn_result result;
    memset(&content, 0, sizeof content);
    content.model = model;
    content.training = training;
    if (!path || !*path)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "save: expected a path, found %s",
                         path ? "an empty one" : "NULL");
    result = fnni_save_check(model, error);
    if (result) return result;
    return fnni_save_by(fnni_write_file, &content, path, &model->context.allocator, error);
}

FNNI_COLD FNN_DEF fnn_result fnn_save(const fnn_model *model, const char *path, fnn_error *error)
{
    return fnni_save(model, 0, path, error);
}

FNNI_COLD FNN_DEF fnn_result fnn_save_checkpoint(const fnn_model *model, const char *path,
                                                 fnn_error *error)
{
    return fnni_save(model, 1, path, error);
}

/* Writes a model's file through w. */
static fnn_result fnni_save_writer(const fnn_model *model, fnni_writer *w, fnn_error *error)
{
    const fnn_result result = fnni_save_check(model, error);
    fnni_content content;
    if (result) return result;
    memset(&content, 0, sizeof content);
    content.model = model;
    fnni_write_file(w, &content);
    if (!w->memory) fnni_flush(w);
    if (!w->wrong) return FNN_OK;
    return fnni_fail(error, FNN_ERROR_FILE, "save: the function given cannot write byte %llu",
                     (unsigned long long)w->put_bytes);
}

FNNI_COLD FNN_DEF fnn_result fnn_save_to(const fnn_model *model, fnn_write_function write,
                                         void *user, fnn_error *error)
{
    fnni_writer w;
    if (!write)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "save: expected a function, found %s", "NULL");
    memset(&w, 0, sizeof w);
    w.put = write;
    w.user = user;
    return fnni_save_writer(model, &w, error);
}

FNNI_COLD FNN_DEF fnn_result fnn_check_writable(const char *path, fnn_error *error)
{
    return fnni_save_possible(path, NULL, error);
}

FNNI_COLD FNN_DEF fnn_result fnn_save_memory(const fnn_model *model, void *bytes, size_t capacity,
                                             size_t *size, fnn_error *error)
{
    const size_t most = bytes ? capacity : (size_t)-1;
    fnn_result result;
    fnni_writer w;
    if (!size)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "save: expected a place for the size, found %s",
                         "NULL");
    *size = 0;
    memset(&w, 0, sizeof w);
    w.counts = 1;
    result = fnni_save_writer(model, &w, error);
    if (result) return result;
    if (w.total > most)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "save: expected room for %llu bytes, found %llu",
                         (unsigned long long)w.total, (unsigned long long)most);
    *size = (size_t)w.total;
    if (!bytes) return FNN_OK;
    memset(&w, 0, sizeof w);
    w.memory = (uint8_t *)bytes;
    return fnni_save_writer(model, &w, error);
}

/* Whether a model can be loaded so; *used is the configuration, completed. */
static fnn_result fnni_load_begin(int given, const char *expected, const fnn_context_config *config,
                                  fnn_context_config *used, fnn_error *error)
{
    fnn_context context;
    *used = fnni_model_config(config);
    if (!given)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "load: expected %s, found NULL", expected);
    /* takes nothing, so that what is wrong with config is not laid to the file */
    return fnni_context_open(&context, used, error);
}

FNNI_COLD FNN_DEF fnn_model *fnn_load(const char *path, const fnn_context_config *config,
                                      fnn_error *error)
{
    fnn_context_config used;
    if (fnni_load_begin(path != NULL, "a path", config, &used, error)) return NULL;
    return fnni_load(path, &used, error);
}

FNNI_COLD FNN_DEF fnn_model *fnn_load_memory(const void *bytes, size_t size,
                                             const fnn_context_config *config, fnn_error *error)
{
    fnn_context_config used;
    fnni_file file;
    if (fnni_load_begin(bytes != NULL, "bytes", config, &used, error)) return NULL;
    file.bytes = (uint8_t *)bytes; /* they are only read */
    file.size = size;
    return fnni_load_file(&file, "memory", &used, error);
}

/* All that a function of the caller's gives. */
static fnn_result fnni_read_through(fnni_file *file, fnn_read_function read, void *user,
                                    const fnn_allocator *allocator, fnn_error *error)
{
    size_t capacity = 4096, count = 1;
    fnn_result result = FNN_OK;
    file->size = 0;
    file->bytes = (uint8_t *)fnni_allocate(allocator, capacity);
    if (!file->bytes) return fnni_fail_memory(error, "load", capacity);
    while (!result && count > 0) {
        count = read(user, file->bytes + file->size, capacity - file->size);
        if (count > capacity - file->size)
            return fnni_fail(error, FNN_ERROR_FILE,
                             "load: the function given cannot read byte %llu",
                             (unsigned long long)file->size);
        file->size += count;
        if (file->size == capacity)
            result = fnni_file_grow(file, &capacity, "load", allocator, error);
    }
    return result;
}

FNNI_COLD FNN_DEF fnn_model *fnn_load_from(fnn_read_function read, void *user,
                                           const fnn_context_config *config, fnn_error *error)
{
    fnn_context_config used;
    fnn_model *model = NULL;
    fnni_file file;
    if (fnni_load_begin(read != NULL, "a function", config, &used, error)) return NULL;
    if (!fnni_read_through(&file, read, user, &used.allocator, error))
        model = fnni_load_file(&file, "load", &used, error);
    fnni_file_release(&file, &used.allocator);
    return model;
}

/* ============================================================================
 * >>import  weights of PyTorch and Keras
 * ============================================================================
 * Called by programs. A safetensors file from elsewhere, for a network that builders made: tensors
 * such as "features.3.weight", where "features.3" is the layer's name over there (up to the last
 * dot or slash) and "weight" the part (FNN_WEIGHTS_FORMAT_LIST). Tensors of one layer are a group.
 *     read    two walks over the header, >>file's reader does them: count, then keep the entries,
 *             sorted so that groups stand together;
 *     match   a group to each layer with parameters: the one that the caller names, or the one that
 *             fits. The order in a file means nothing: the format's own library sorts by name;
 *     fill    only when every tensor has its place. */

#define FNNI_IMPORT_PARTS 6
/* A file has at most so many tensors for each layer, which is what a layer here can have: the time
 * that matching takes is bounded by the model, not by the file. */
#define FNNI_MAX_GROUP 8

/* What each format calls them stands in this order. */
static const char *const fnni_import_parts[FNNI_IMPORT_PARTS] = {"weight", "bias", "gamma",
                                                                 "beta",   "mean", "variance"};

typedef struct fnni_import_format {
    int outputs_first;   /* (O, I) and (O, I, height, width) in place of (I, O) and (height, width,
                            I, O); images are (channels, height, width), flat ones as well */
    const char *skipped; /* a part that is of no use here, integers; "": there is none */
    const char *parts[FNNI_IMPORT_PARTS];
} fnni_import_format;
#define FNNI_IMPORT_FORMAT(name, outputs_first, skipped, ...) \
    {outputs_first, skipped, {__VA_ARGS__}},
static const fnni_import_format fnni_import_formats[] = {
    FNN_WEIGHTS_FORMAT_LIST(FNNI_IMPORT_FORMAT)};
#undef FNNI_IMPORT_FORMAT

/* ---- numbers ---- */

typedef struct fnni_number_type {
    const char *name;
    size_t bytes;
    int exponent; /* its bits, behind the sign and before the fraction; 0: a whole number */
} fnni_number_type;
static const fnni_number_type fnni_number_types[] = {
    {"F32", 4, 8}, {"F64", 8, 11}, {"F16", 2, 5}, {"BF16", 2, 8}, {"I64", 8, 0}};

/* The type of that name, or NULL. */
static const fnni_number_type *fnni_number_type_named(const char *name)
{
    size_t i;
    for (i = 0; i < sizeof fnni_number_types / sizeof *fnni_number_types; i++)
        if (!strcmp(fnni_number_types[i].name, name)) return fnni_number_types + i;
    return NULL;
}

/* The IEEE 754 number at p, which a double holds exactly. */
static double fnni_number(const fnni_number_type *type, const uint8_t *p)
{
    const int length = 8 * (int)type->bytes - 1 - type->exponent; /* of the fraction */
    const int most = (1 << type->exponent) - 1, bias = most / 2;
    uint64_t bits = 0, fraction;
    double size;
    size_t i;
    int exponent;
    for (i = 0; i < type->bytes; i++) bits |= (uint64_t)p[i] << 8 * i;
    fraction = bits & (((uint64_t)1 << length) - 1);
    exponent = (int)(bits >> length) & most;
    if (exponent == most) size = fraction ? FNNI_NAN : (double)INFINITY;
    else if (exponent == 0) size = ldexp((double)fraction, 1 - bias - length); /* subnormal */
    else size = ldexp((double)(fraction | (uint64_t)1 << length), exponent - bias - length);
    return bits >> (8 * type->bytes - 1) ? -size : size;
}

/* ---- reading the header ---- */

/* A tensor of the file. */
typedef struct fnni_foreign {
    fnni_entry e;
    char group[FNNI_TEXT]; /* its name up to the last dot or slash, "" without one */
    const fnni_number_type *type;
    int layer, which; /* the tensor of the model that it goes to; layer -1: none yet */
} fnni_foreign;

typedef struct fnni_import {
    fnni_reader r;
    fnn_model *model;
    const fnni_import_format *format;
    fnni_foreign *tensors; /* (count), NULL on the first walk */
    size_t count;
} fnni_import;

static const char *fnni_foreign_part(const fnni_foreign *f)
{
    const char *at = f->e.name + strlen(f->group);
    return at + (*at == '.' || *at == '/');
}

static void fnni_foreign_cut(fnni_foreign *f)
{
    const char *dot = strrchr(f->e.name, '.'), *slash = strrchr(f->e.name, '/');
    const char *end = slash && (!dot || slash > dot) ? slash : dot;
    const size_t length = end ? (size_t)(end - f->e.name) : 0;
    memcpy(f->group, f->e.name, length);
    f->group[length] = 0;
}

static int fnni_foreign_skipped(const fnni_import *in, const fnni_foreign *f)
{
    return *in->format->skipped && !strcmp(fnni_foreign_part(f), in->format->skipped);
}

/* An entry whose name has been read: what it says of itself must be true. */
FNNI_COLD static fnn_result fnni_import_entry(fnni_import *in, fnni_foreign *f)
{
    fnni_reader *r = &in->r;
    const size_t *at = f->e.offsets;
    size_t bytes;
    int i;
    fnn_result result = fnni_read_entry(r, &f->e);
    if (!result) result = fnni_check_offsets(r, f->e.name, at[0] <= r->data_size ? at[0] : 0, at);
    if (result) return result;
    fnni_foreign_cut(f);
    f->layer = -1;
    f->type = fnni_number_type_named(f->e.dtype);
    if (!f->type || (!f->type->exponent && !fnni_foreign_skipped(in, f)))
        return fnni_fail(r->error, FNN_ERROR_FORMAT,
                         "%s: %.60s: expected F32, F64, F16 or BF16, found %.40s", r->path,
                         f->e.name, f->e.dtype);
    for (bytes = f->type->bytes, i = 0; i < f->e.rank; i++)
        bytes = fnni_times(bytes, f->e.shape[i]);
    if (at[1] - at[0] != bytes)
        return fnni_fail(r->error, FNN_ERROR_FORMAT, "%s: %.60s: expected %llu bytes, found %llu",
                         r->path, f->e.name, (unsigned long long)bytes,
                         (unsigned long long)(at[1] - at[0]));
    if (in->tensors) in->tensors[in->count] = *f;
    in->count++;
    return FNN_OK;
}

/* Steps over the metadata, of which only this library's are known: its files have layouts of their
 * own, which would pass for others where a matrix is square. */
FNNI_COLD static fnn_result fnni_import_metadata(fnni_reader *r)
{
    const uint8_t *text;
    int is_library;
    fnn_result result = fnni_json_want(r, '{');
    if (result || fnni_json_take(r, '}')) return result;
    do {
        result = fnni_json_skip_text(r, &text);
        is_library = !result && r->at - text == 8 && !memcmp(text, "library", 7);
        if (!result) result = fnni_json_want(r, ':');
        if (!result) result = fnni_json_skip_text(r, &text);
        if (!result && is_library && r->at - text > 10 && !memcmp(text, FNNI_LIBRARY " ", 10))
            return fnni_fail(r->error, FNN_ERROR_FORMAT,
                             "%s: expected weights from elsewhere, found a model of this library "
                             "(fnn_load)",
                             r->path);
    } while (!result && fnni_json_take(r, ','));
    return result ? result : fnni_json_want(r, '}');
}

FNNI_COLD static fnn_result fnni_import_walk(fnni_import *in)
{
    fnni_reader *r = &in->r;
    fnni_foreign f;
    fnn_result result;
    r->at = r->start;
    in->count = 0;
    result = fnni_json_want(r, '{');
    if (result) return result;
    do {
        result = fnni_json_string(r, f.e.name);
        if (!result) result = fnni_json_want(r, ':');
        if (result) return result;
        result =
            strcmp(f.e.name, "__metadata__") ? fnni_import_entry(in, &f) : fnni_import_metadata(r);
    } while (!result && fnni_json_take(r, ','));
    if (!result) result = fnni_json_want(r, '}');
    fnni_json_blanks(r);
    return result || r->at == r->end ? result : fnni_json_fail(r, "nothing but blanks after it");
}

/* For qsort: by place in the data, of equal ones the empty first; and by group, then part. */
static int fnni_compare_foreign_places(const void *a, const void *b)
{
    const size_t *one = ((const fnni_foreign *)a)->e.offsets;
    const size_t *two = ((const fnni_foreign *)b)->e.offsets;
    const int first = one[0] != two[0] ? 0 : 1;
    return (one[first] > two[first]) - (one[first] < two[first]);
}

static int fnni_compare_foreign_names(const void *a, const void *b)
{
    const fnni_foreign *one = (const fnni_foreign *)a, *two = (const fnni_foreign *)b;
    const int order = strcmp(one->group, two->group);
    return order ? order : strcmp(fnni_foreign_part(one), fnni_foreign_part(two));
}

/* The data of all tensors must follow one on another to the end. */
FNNI_COLD static fnn_result fnni_import_places(fnni_import *in)
{
    fnni_reader *r = &in->r;
    fnn_result result = FNN_OK;
    size_t end = 0, i;
    qsort(in->tensors, in->count, sizeof *in->tensors, fnni_compare_foreign_places);
    for (i = 0; i < in->count && !result; i++) {
        const fnni_entry *e = &in->tensors[i].e;
        result = fnni_check_offsets(r, e->name, end, e->offsets);
        end = e->offsets[1];
    }
    if (!result && end != r->data_size)
        result = fnni_fail(r->error, FNN_ERROR_FORMAT,
                           "%s: expected %llu bytes of data for the tensors, found %llu", r->path,
                           (unsigned long long)end, (unsigned long long)r->data_size);
    return result;
}

/* Sorts the tensors by name, each of which stands once, and leaves out those that are skipped. */
FNNI_COLD static fnn_result fnni_import_sort(fnni_import *in)
{
    fnni_foreign *tensors = in->tensors;
    size_t i, kept = 0;
    qsort(tensors, in->count, sizeof *tensors, fnni_compare_foreign_names);
    for (i = 1; i < in->count; i++)
        if (!fnni_compare_foreign_names(tensors + i - 1, tensors + i))
            return fnni_fail(in->r.error, FNN_ERROR_FORMAT, "%s: %.60s: found twice", in->r.path,
                             tensors[i].e.name);
    for (i = 0; i < in->count; i++)
        if (!fnni_foreign_skipped(in, tensors + i)) tensors[kept++] = tensors[i];
    in->count = kept;
    return FNN_OK;
}

/* ---- matching ---- */

/* Where the group behind that of tensor i begins. */
static size_t fnni_import_next(const fnni_import *in, size_t i)
{
    const char *group = in->tensors[i].group;
    while (i < in->count && !strcmp(in->tensors[i].group, group)) i++;
    return i;
}

/* What the file calls a tensor of the model. */
static const char *fnni_import_name(const fnni_import *in, const fnni_tensor *t)
{
    const int part = fnni_word_in(t->part, fnni_import_parts, FNNI_IMPORT_PARTS);
    return part < 0 ? t->part : in->format->parts[part];
}

/* The tensor of the group at i that is to become t, or NULL. */
static fnni_foreign *fnni_import_find(const fnni_import *in, size_t i, const fnni_tensor *t)
{
    const size_t end = fnni_import_next(in, i);
    const char *name = fnni_import_name(in, t);
    for (; i < end; i++)
        if (!strcmp(fnni_foreign_part(in->tensors + i), name)) return in->tensors + i;
    return NULL;
}

/* The shape that t has in the file. */
static void fnni_import_shape(const fnni_import *in, const fnni_tensor *t, size_t *shape)
{
    int i;
    for (i = 0; i < t->rank; i++)
        shape[i] = !in->format->outputs_first ? t->shape[i]
                   : i < 2                    ? t->shape[t->rank - 1 - i]
                                              : t->shape[i - 2];
}

static int fnni_import_same_shape(const fnni_import *in, const fnni_foreign *f,
                                  const fnni_tensor *t)
{
    size_t shape[FNNI_MAX_RANK];
    fnni_import_shape(in, t, shape);
    return f->e.rank == t->rank && !memcmp(f->e.shape, shape, (size_t)t->rank * sizeof *shape);
}

/* How much of the group at i is like layer l; *fits: all of it, and all of the layer. */
static int fnni_import_likeness(const fnni_import *in, int l, size_t i, int *fits)
{
    int score = 0, which;
    fnni_tensor t;
    for (which = 0; fnni_tensor_at(in->model, l, which, &t); which++) {
        const fnni_foreign *f = fnni_import_find(in, i, &t);
        if (f && f->e.rank == t.rank) score += 1 + fnni_import_same_shape(in, f, &t);
    }
    *fits = score == 2 * which && fnni_import_next(in, i) - i == (size_t)which;
    return score;
}

/* Gives layer l what it has a tensor for of the group at i. */
static void fnni_import_take(fnni_import *in, int l, size_t i)
{
    fnni_tensor t;
    int which;
    for (which = 0; fnni_tensor_at(in->model, l, which, &t); which++) {
        fnni_foreign *f = fnni_import_find(in, i, &t);
        if (f) f->layer = l, f->which = which;
    }
}

/* Says what is wrong with the group at i, or with none at all (i = count), for layer l. */
FNNI_COLD static fnn_result fnni_import_misfit(fnni_import *in, int l, size_t i)
{
    const char *type = in->model->layers[l].type->name;
    const size_t end = i < in->count ? fnni_import_next(in, i) : i;
    char expected[96], text[96], found[128] = "no tensors that are left";
    size_t shape[FNNI_MAX_RANK];
    fnni_tensor t;
    int which;
    for (which = 0; fnni_tensor_at(in->model, l, which, &t); which++) {
        const fnni_foreign *f = i < end ? fnni_import_find(in, i, &t) : NULL;
        if (f && fnni_import_same_shape(in, f, &t)) continue;
        if (f)
            snprintf(found, sizeof found, "%.60s of %.40s", f->e.name,
                     fnni_shape_text(text, sizeof text, f->e.rank, f->e.shape));
        else if (i < end) snprintf(found, sizeof found, "none beside %.60s", in->tensors[i].e.name);
        fnni_import_shape(in, &t, shape);
        return fnni_fail(in->r.error, FNN_ERROR_FORMAT,
                         "%s: layer %d %s: expected %s of shape %.40s, found %s", in->r.path, l,
                         type, fnni_import_name(in, &t),
                         fnni_shape_text(expected, sizeof expected, t.rank, shape), found);
    }
    fnni_import_take(in, l, i);
    while (i + 1 < end && in->tensors[i].layer >= 0) i++;
    return fnni_fail(in->r.error, FNN_ERROR_FORMAT,
                     "%s: layer %d %s: expected no %.20s, found %.60s", in->r.path, l, type,
                     fnni_foreign_part(in->tensors + i), in->tensors[i].e.name);
}

/* Whether a name goes on with nothing but "_1" or such, as Keras counts layers of one kind. */
static int fnni_is_count(const char *rest)
{
    const size_t digits = *rest == '_' ? strspn(rest + 1, "0123456789") : 0;
    return digits > 0 && rest[1 + digits] == 0;
}

/* Compares two names by the first numbers in which they differ: conv2 < conv10, dense < dense_1.
 * 0 where they differ in anything else: no order is known. */
static int fnni_number_order(const char *a, const char *b)
{
    static const char digits[] = "0123456789";
    int order = 0;
    while (*a && *b) {
        const size_t m = strspn(a, digits), n = strspn(b, digits);
        if (m && n) {
            const unsigned long long x = strtoull(a, NULL, 10), y = strtoull(b, NULL, 10);
            if (order == 0) order = (x > y) - (x < y);
            a += m;
            b += n;
        } else if (*a++ != *b++) return 0;
    }
    if (*a == *b) return order; /* both at their ends */
    if (!fnni_is_count(*a ? a : b)) return 0;
    return order ? order : *a ? 1 : -1;
}

/* The free group that fits layer l, of several the first by number; *chosen is count where there is
 * none. */
FNNI_COLD static fnn_result fnni_import_choose(fnni_import *in, int l, size_t *chosen)
{
    size_t i;
    int fits;
    *chosen = in->count;
    for (i = 0; i < in->count; i = fnni_import_next(in, i)) {
        const char *name = in->tensors[i].group, *other;
        int order = -1;
        if (in->tensors[i].layer >= 0) continue;
        fnni_import_likeness(in, l, i, &fits);
        if (!fits) continue;
        other = *chosen < in->count ? in->tensors[*chosen].group : NULL;
        if (other) order = fnni_number_order(name, other);
        if (order == 0)
            return fnni_fail(in->r.error, FNN_ERROR_FORMAT,
                             "%s: layer %d %s: \"%.40s\" and \"%.40s\" both fit, and their "
                             "names do not tell which comes first: give fnn_load_weights the names",
                             in->r.path, l, in->model->layers[l].type->name, other, name);
        if (order < 0) *chosen = i;
    }
    return FNN_OK;
}

/* The free group that is most like layer l, for a message; count without any. */
static size_t fnni_import_nearest(const fnni_import *in, int l)
{
    size_t i, nearest = in->count;
    int best = -1, fits;
    for (i = 0; i < in->count; i = fnni_import_next(in, i)) {
        const int score = in->tensors[i].layer < 0 ? fnni_import_likeness(in, l, i, &fits) : -1;
        if (score > best) best = score, nearest = i;
    }
    return nearest;
}

/* The group of that name, which the caller gave to layer l. */
FNNI_COLD static fnn_result fnni_import_named(fnni_import *in, int l, const char *name,
                                              size_t *chosen)
{
    const char *type = in->model->layers[l].type->name;
    size_t i = 0;
    int fits;
    while (i < in->count && strcmp(in->tensors[i].group, name)) i = fnni_import_next(in, i);
    *chosen = i;
    if (i == in->count || in->tensors[i].layer >= 0)
        return fnni_fail(in->r.error, FNN_ERROR_ARGUMENT,
                         "%s: layer %d %s: expected a name that %s, found \"%.60s\"", in->r.path, l,
                         type, i < in->count ? "no other layer has" : "tensors begin with", name);
    fnni_import_likeness(in, l, i, &fits);
    return fits ? FNN_OK : fnni_import_misfit(in, l, i);
}

/* Every layer with parameters gets a group: that of its name, or without names (NULL) one that
 * fits. Then no tensor may be left, unless some layer was to keep what it has (a name is NULL). */
FNNI_COLD static fnn_result fnni_import_match(fnni_import *in, const char *const *names)
{
    fnn_result result = FNN_OK;
    int l, unfit = -1, kept = 0;
    char shape[96];
    size_t i;
    for (l = 0; l < in->model->layer_count && !result; l++) {
        if (!fnni_has_parameters(in->model->layers + l)) continue;
        if (names && !*names++) {
            kept++;
            continue;
        }
        result = names ? fnni_import_named(in, l, names[-1], &i) : fnni_import_choose(in, l, &i);
        if (!result && i < in->count) fnni_import_take(in, l, i);
        else if (unfit < 0) unfit = l;
    }
    if (result) return result;
    if (unfit >= 0) return fnni_import_misfit(in, unfit, fnni_import_nearest(in, unfit));
    for (i = 0; i < in->count && !kept; i++)
        if (in->tensors[i].layer < 0)
            return fnni_fail(in->r.error, FNN_ERROR_FORMAT,
                             "%s: %.60s of shape %.40s: no layer is left for it", in->r.path,
                             in->tensors[i].e.name,
                             fnni_shape_text(shape, sizeof shape, in->tensors[i].e.rank,
                                             in->tensors[i].e.shape));
    return FNN_OK;
}

static int fnni_parameter_layers(const fnn_model *model)
{
    int l, count = 0;
    for (l = 0; l < model->layer_count; l++) count += fnni_has_parameters(model->layers + l);
    return count;
}

/* ---- filling ---- */

/* Channels of the image that layer l's inputs are or, flat by now, once were: layers without
 * weights keep the channels of images and the order of what is flat. */
static size_t fnni_image_channels(const fnn_model *model, int l)
{
    while (l > 0 && model->layers[l - 1].weights == 0) l--;
    return (size_t)(l > 0 ? model->layers[l - 1].shape : model->input).channels;
}

/* The numbers of a tensor. With outputs first the file has (O, C, P) where we have (P, C, O): O
 * outputs, P pixels of a kernel, or of an image that a dense layer sees flat, C channels of each.
 * The C and P of a batch norm behind a flat image are those of its features. */
static void fnni_import_fill(const fnni_import *in, const fnni_foreign *f)
{
    const fnni_layer *layer = in->model->layers + f->layer;
    const uint8_t *from = in->r.data + f->e.offsets[0];
    size_t outputs = 1, channels, pixels, o, c, p;
    fnni_tensor t;
    fnni_tensor_at(in->model, f->layer, f->which, &t);
    channels = t.count; /* the same order in both */
    if (in->format->outputs_first && (t.rank > 1 || layer->weights == 0)) {
        if (t.rank > 1) outputs = t.shape[t.rank - 1];
        channels = t.rank > 2 ? t.shape[t.rank - 2] : fnni_image_channels(in->model, f->layer);
    }
    pixels = t.count / outputs / channels;
    for (o = 0; o < outputs; o++)
        for (c = 0; c < channels; c++)
            for (p = 0; p < pixels; p++, from += f->type->bytes)
                t.values[(p * channels + c) * outputs + o] = (fnn_real)fnni_number(f->type, from);
}

/* ---- the whole file ---- */

/* Finds every tensor its place; the model is as it was. */
FNNI_COLD static fnn_result fnni_import_read(fnni_import *in, const fnni_file *file,
                                             const char *const *names)
{
    const size_t most = FNNI_MAX_GROUP * (size_t)fnni_parameter_layers(in->model);
    fnn_result result = fnni_read_frame(&in->r, file);
    if (!result) result = fnni_import_walk(in);
    if (!result && (in->count == 0 || in->count > most))
        result = fnni_fail(in->r.error, FNN_ERROR_FORMAT,
                           "%s: expected the tensors of %d layers, found %lu tensors", in->r.path,
                           fnni_parameter_layers(in->model), (unsigned long)in->count);
    if (result) return result;
    in->tensors = (fnni_foreign *)fnni_allocate(&in->model->context.allocator,
                                                fnni_times(in->count, sizeof *in->tensors));
    if (!in->tensors)
        return fnni_fail_memory(in->r.error, in->r.path, in->count * sizeof *in->tensors);
    result = fnni_import_walk(in);
    if (!result) result = fnni_import_places(in);
    if (!result) result = fnni_import_sort(in);
    return result ? result : fnni_import_match(in, names);
}

FNNI_COLD static fnn_result fnni_import_file(fnn_model *model, const fnni_file *file,
                                             const char *path, fnn_weights_format format,
                                             const char *const *names)
{
    fnni_import in;
    fnn_result result;
    size_t i;
    memset(&in, 0, sizeof in);
    in.r.path = fnni_path_tail(path);
    in.r.error = &model->error;
    in.model = model;
    in.format = fnni_import_formats + format;
    result = fnni_import_read(&in, file, names);
    if (!result) result = fnni_seal(model);
    for (i = 0; i < in.count && !result; i++)
        if (in.tensors[i].layer >= 0) fnni_import_fill(&in, in.tensors + i);
    if (!result) fnni_training_forget(model);
    fnni_release(&model->context.allocator, in.tensors);
    return result;
}

FNNI_COLD FNN_DEF fnn_result fnn_load_weights(fnn_model *model, const char *path,
                                              fnn_weights_format format, const char *const *names,
                                              int count)
{
    fnni_file file;
    fnn_result result = fnni_begin_outside_fit(model, "load_weights");
    if (result) return result;
    if (!path || (unsigned)format >= FNN_WEIGHTS_FORMAT_COUNT)
        return fnni_model_fail(model, FNN_ERROR_ARGUMENT,
                               "load_weights: expected a path and a format, found %s and %d",
                               path ? "one" : "NULL", (int)format);
    if (fnni_parameter_layers(model) == 0)
        return fnni_model_fail(model, FNN_ERROR_STATE,
                               "load_weights: expected a model whose layers have weights, found "
                               "none that has");
    if ((names || count) && (!names || count != fnni_parameter_layers(model)))
        return fnni_model_fail(model, FNN_ERROR_ARGUMENT,
                               "load_weights: expected %d names, one for each layer with weights, "
                               "found %d",
                               fnni_parameter_layers(model), names ? count : 0);
    result = fnni_file_read(&file, path, &model->context.allocator, &model->error);
    if (result) return result;
    result = fnni_import_file(model, &file, path, format, names);
    fnni_file_release(&file, &model->context.allocator);
    return result;
}

/* ============================================================================
 * >>fit  epochs over a data set: history, early stopping, averages, going on
 * ============================================================================ */

FNNI_COLD FNN_DEF fnn_fit_config fnn_fit_config_init(void)
{
    fnn_fit_config config;
    memset(&config, 0, sizeof config);
    config.optimizer = fnn_rmsprop(1e-3);
    config.epochs = 1;
    config.batch_size = 32;
    config.shuffle = 1;
    config.checkpoint_epochs = 1;
    return config;
}

static fnn_result fnni_history_reserve(fnn_history *history, int more)
{
    fnn_epoch *grown;
    if (!history || more <= history->capacity - history->count) return FNN_OK;
    if (more > INT_MAX - history->count) return FNN_ERROR_MEMORY;
    grown = (fnn_epoch *)fnni_allocate(&history->allocator,
                                       fnni_times((size_t)(history->count + more), sizeof *grown));
    if (!grown) return FNN_ERROR_MEMORY;
    if (history->count) memcpy(grown, history->epochs, (size_t)history->count * sizeof *grown);
    fnni_release(&history->allocator, history->epochs);
    history->epochs = grown;
    history->capacity = history->count + more;
    return FNN_OK;
}

FNN_DEF fnn_result fnn_history_append(fnn_history *history, const fnn_epoch *epoch)
{
    fnn_epoch copy; /* of what the array that is to grow may hold */
    if (!history || !epoch) return FNN_ERROR_ARGUMENT;
    copy = *epoch;
    if (history->count == history->capacity) {
        const fnn_result result = fnni_history_reserve(history, history->count / 2 + 8);
        if (result) return result;
    }
    history->epochs[history->count++] = copy;
    return FNN_OK;
}

FNN_DEF void fnn_history_free(fnn_history *history)
{
    if (!history) return;
    fnni_release(&history->allocator, history->epochs);
    history->epochs = NULL;
    history->count = history->capacity = 0;
}

/* A fit in progress. */
typedef struct fnni_fit {
    fnn_model *model;
    const fnn_dataset *data;
    const fnn_fit_config *config;
    fnni_batch batch;
    fnn_context validation; /* its workspace is taken before the first step */
    int64_t *order;         /* (count) samples in the order of this pass */
    fnn_fit_config now;     /* the configuration with this step's learning rate */
    fnni_augmenter augmenter;
    fnni_progress *progress; /* the model's: how far it is */
    double started, drawn;   /* the epoch, its bar */
    double written;          /* the last checkpoint, or the fit's beginning */
    int stopped;             /* config->stop was seen */
    fnn_error failure;       /* of the last checkpoint, if it could not be written */
} fnni_fit;

static void fnni_trained_keep(const fnn_model *model, fnn_real *to)
{
    const size_t count = model->parameter_count;
    if (count) memcpy(to, model->parameters, count * sizeof *to);
    if (model->statistics_count)
        memcpy(to + count, model->statistics, model->statistics_count * sizeof *to);
}

static fnn_real *fnni_trained_copy(const fnn_model *model)
{
    fnn_real *copy =
        fnni_allocate_reals(&model->context.allocator, fnni_trained_count(model) + 1); /* not 0 */
    if (copy) fnni_trained_keep(model, copy);
    return copy;
}

/* The order of the model's last pass: a function of the seed and the number of the pass alone,
 * which the model counts through all its fits, so that two fits of two epochs are one of four. */
static void fnni_fit_shuffle(fnni_fit *f)
{
    const uint64_t pass = f->model->passes - 1;
    int64_t i;
    f->augmenter.pass = pass;
    for (i = 0; i < f->data->count; i++) f->order[i] = i;
    if (f->config->shuffle)
        fnni_shuffle(f->order, f->data->count, f->config->seed, FNNI_STREAM_ORDER + pass);
}

/* Batches of a pass; written so that no count overflows. */
static int64_t fnni_pass_steps(const fnn_dataset *data, int batch_size)
{
    return data->count / batch_size + (data->count % batch_size != 0);
}

/* Within int, as fnni_fit_check has seen. */
static int fnni_steps_per_epoch(const fnni_fit *f)
{
    if (f->config->steps_per_epoch > 0) return f->config->steps_per_epoch;
    return (int)fnni_pass_steps(f->data, f->config->batch_size);
}

static void fnni_fit_rate(fnni_fit *f)
{
    const int steps = fnni_steps_per_epoch(f);
    f->now.optimizer.learning_rate = (fnn_real)fnni_schedule_rate(
        &f->config->schedule, (double)f->config->optimizer.learning_rate, f->progress->fit_steps++,
        (int64_t)f->config->epochs * steps, steps);
}

/* The average of the weights, chunk by chunk: small enough that both passes over a chunk find it
 * in the cache, and of fixed size, so that the bits do not depend on the threads. */
#define FNNI_AVERAGE_CHUNK 2048
#define FNNI_AVERAGE_WORK 131072 /* parameters that are worth a thread */

/* average = d average + (1 - d) x. Polyak and Juditsky 1992, in its exponential form; the ramp of
 * d is that of TensorFlow's ExponentialMovingAverage with num_updates = t, t = 1, 2, ... */
static void fnni_average(const fnni_fit *f, size_t count, const fnn_real *x, fnn_real *average)
{
    const fnni_kernels *k = f->model->context.kernels;
    const double t = (double)f->progress->fit_steps, ramp = (1 + t) / (10 + t);
    const fnn_real d = (fnn_real)(f->config->ema_decay < ramp ? f->config->ema_decay : ramp);
    k->scale((ptrdiff_t)count, d, average);
    k->add_scaled((ptrdiff_t)count, 1 - d, x, average);
}

static void fnni_average_part(void *argument, int part, int parts)
{
    const fnni_fit *f = (const fnni_fit *)argument;
    const size_t count = f->model->parameter_count, step = FNNI_AVERAGE_CHUNK;
    const size_t chunks = (count + step - 1) / step, end = (size_t)part + 1;
    size_t c;
    for (c = chunks * (size_t)part / (size_t)parts; c < chunks * end / (size_t)parts; c++)
        fnni_average(f, count - c * step < step ? count - c * step : step,
                     f->model->parameters + c * step, f->progress->average + c * step);
}

static void fnni_fit_average(fnni_fit *f)
{
    const fnn_model *model = f->model;
    const size_t most = model->parameter_count / FNNI_AVERAGE_WORK + 1;
    const int threads = model->context.threads;
    if (!f->progress->average) return;
    fnni_parallel((size_t)threads < most ? threads : (int)most, fnni_average_part, f);
    fnni_average(f, model->statistics_count, model->statistics,
                 f->progress->average + model->parameter_count);
}

static void fnni_exchange(size_t count, fnn_real *a, fnn_real *b)
{
    size_t i;
    for (i = 0; i < count; i++) {
        const fnn_real kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

/* The average of what does not change is that, to the bit. */
static void fnni_keep_frozen(const fnn_model *model, fnn_real *average)
{
    int l;
    for (l = 0; l < model->layer_count; l++) {
        const fnni_layer *layer = model->layers + l;
        const size_t at = layer->statistics_offset;
        if (layer->frozen && layer->weights + layer->biases > 0)
            memcpy(average + layer->offset, model->parameters + layer->offset,
                   (layer->weights + layer->biases) * sizeof(fnn_real));
        if (layer->frozen && layer->statistics > 0)
            memcpy(average + model->parameter_count + at, model->statistics + at,
                   layer->statistics * sizeof(fnn_real));
    }
}

/* Exchanges what the model holds and what an array of the same numbers does, where they stand:
 * users may keep a pointer to the parameters. */
static void fnni_trained_exchange(fnn_model *model, fnn_real *with)
{
    fnni_exchange(model->parameter_count, model->parameters, with);
    fnni_exchange(model->statistics_count, model->statistics, with + model->parameter_count);
}

/* Has the model hold the average (1), or what is in training (0). */
static void fnni_fit_average_shown(fnn_model *model, int shown)
{
    fnni_progress *p = &model->progress;
    if (!p->average || p->shows_average == shown) return;
    fnni_keep_frozen(model, p->average);
    fnni_trained_exchange(model, p->average);
    p->shows_average = shown;
}

/* Has the model hold the best epoch's (1), or what is beside them (0). */
static void fnni_fit_best_shown(fnn_model *model, int shown)
{
    fnni_progress *p = &model->progress;
    if (!p->best || p->waited < 0 || p->shows_best == shown) return;
    fnni_trained_exchange(model, p->best);
    p->shows_best = shown;
}

static void fnni_fit_step(fnni_fit *f)
{
    fnni_run *run = &f->model->run;
    fnni_progress *p = f->progress;
    const int l = fnni_loss_layer(f->model);
    int64_t left;
    if (p->position == f->data->count) {
        p->position = 0;
        f->model->passes++;
        fnni_fit_shuffle(f);
    }
    left = f->data->count - p->position;
    run->rows = left < f->config->batch_size ? (int)left : f->config->batch_size;
    f->batch.first = p->position;
    p->position += run->rows;
    left -= run->rows;
    f->batch.ahead = left < f->config->batch_size ? (int)left : f->config->batch_size;
    fnni_fit_rate(f);
    p->loss_sum += fnni_train_step(&f->batch) * run->rows;
    fnni_fit_average(f);
    p->step++;
    p->updates_then = f->model->updates;
    p->seen += run->rows;
    p->weight_sum += fnni_row_weights(run);
    if (!fnni_is_scored(f->model, f->data)) return;
    p->score_sum += fnni_scores_hits(f->model, f->data)
                        ? fnni_hits(run, fnni_y(run, l, 0, NULL), fnni_inputs(run, l))
                        : fnni_squared_error(run, fnni_y(run, l, 0, NULL), fnni_inputs(run, l));
}

/* A bar with the time left, on a terminal and no more than ten times a second. */
static void fnni_fit_bar(fnni_fit *f, int epoch, int step, int steps)
{
    const double now = fnni_seconds(), share = (double)step / steps;
    static const char dots[] = "==============================";
    const int filled = (int)(share * 30);
    if (!f->config->verbose || !fnni_terminal() || (now - f->drawn < 0.1 && step < steps)) return;
    f->drawn = now;
    fprintf(stderr, "\repoch %d/%d [%.*s%*s] %d/%d  loss %.4f  %.0f s left ", epoch,
            f->config->epochs, filled, dots, 30 - filled, "", step, steps,
            f->progress->loss_sum / (double)f->progress->seen,
            (now - f->started) * (1 - share) / (share > 0 ? share : 1));
    fflush(stderr);
}

static void fnni_fit_line(const fnni_fit *f, const fnn_epoch *e)
{
    const char *score = fnni_score_name(f->model, f->data);
    if (!f->config->verbose) return;
    fprintf(stderr, "%sepoch %d/%d  %.2f s  loss %.4f  %s %.4f", fnni_terminal() ? "\r\033[K" : "",
            e->epoch, f->config->epochs, e->seconds, e->loss, score, e->score);
    if (f->config->validation)
        fprintf(stderr, "  validation loss %.4f  %s %.4f", e->validation_loss, score,
                e->validation_score);
    fputc('\n', stderr);
}

/* The first tensor with a number that is not finite, for the error message. */
FNNI_COLD static fnn_result fnni_report_nan(fnn_model *model, int epoch, int step)
{
    const fnni_run *run = &model->run;
    const int last = fnni_loss_layer(model);
    int l;
    for (l = -1; l <= last; l++) {
        const int seen = l < 0 || !model->layers[l].y[0].transient;
        const fnn_real *y = seen ? fnni_y(run, l, 0, NULL) : NULL;
        const size_t count = (size_t)run->rows * (size_t)fnni_inputs(run, l);
        size_t i;
        for (i = 0; seen && i < count; i++)
            if (!(y[i] - y[i] == 0)) {
                if (l < 0)
                    return fnni_model_fail(model, FNN_ERROR_NUMERIC,
                                           "epoch %d, step %d: an input is not finite", epoch,
                                           step);
                return fnni_model_fail(
                    model, FNN_ERROR_NUMERIC,
                    "epoch %d, step %d: layer %d %s gives a number that is not finite", epoch, step,
                    l, model->layers[l].type->name);
            }
    }
    return fnni_model_fail(model, FNN_ERROR_NUMERIC, "epoch %d, step %d: the loss is not finite",
                           epoch, step);
}

static fnn_result fnni_fit_validate(fnni_fit *f, fnn_epoch *e)
{
    fnn_metrics metrics;
    fnn_result result;
    e->validation_loss = e->validation_score = FNNI_NAN;
    if (!f->config->validation) return FNN_OK;
    result = fnni_evaluate(f->model, &f->validation, f->config->validation, &metrics);
    if (result) return result;
    e->validation_loss = metrics.loss;
    e->validation_score = metrics.score;
    return FNN_OK;
}

/* Writes the fit's checkpoint. */
static void fnni_fit_write(fnni_fit *f)
{
    fnni_progress *p = f->progress;
    if (p->step > 0) p->seconds = fnni_seconds() - f->started;
    if (!f->config->checkpoint) return;
    memset(&f->failure, 0, sizeof f->failure);
    fnn_save_checkpoint(f->model, f->config->checkpoint, &f->failure);
    f->written = fnni_seconds();
}

/* Whether so many minutes have passed since the last one. */
static int fnni_fit_due(const fnni_fit *f)
{
    const double minutes = f->config->checkpoint_minutes;
    return f->config->checkpoint && minutes > 0 && fnni_seconds() - f->written >= 60 * minutes;
}

/* The steps of an epoch, from where it is. */
static fnn_result fnni_fit_steps(fnni_fit *f, int epoch)
{
    const int steps = fnni_steps_per_epoch(f);
    const fnni_progress *p = f->progress;
    while (p->step < steps && !f->stopped) {
        fnni_fit_step(f);
        if (!f->config->ignore_nan && !(p->loss_sum - p->loss_sum == 0))
            return fnni_report_nan(f->model, epoch, (int)p->step);
        fnni_fit_bar(f, epoch, (int)p->step, steps);
        f->stopped = f->config->stop && *f->config->stop;
        if (p->step < steps && !f->stopped && fnni_fit_due(f)) fnni_fit_write(f);
    }
    return FNN_OK;
}

/* What the epoch's steps have given. */
static void fnni_fit_figures(const fnni_fit *f, int epoch, fnn_epoch *e)
{
    const fnni_progress *p = f->progress;
    memset(e, 0, sizeof *e);
    e->epoch = epoch;
    e->step = (int64_t)f->model->updates;
    e->loss = p->loss_sum / (double)p->seen;
    e->score = !fnni_is_scored(f->model, f->data) ? FNNI_NAN
               : fnni_scores_hits(f->model, f->data)
                   ? p->score_sum / p->weight_sum
                   : fnni_r2(p->score_sum / p->weight_sum,
                             fnni_target_variation(f->data) / fnni_weight_of_all(f->data));
    e->learning_rate = (double)f->now.optimizer.learning_rate;
}

/* A new epoch, unless one is under way. */
static void fnni_fit_begin_epoch(fnni_fit *f)
{
    fnni_progress *p = f->progress;
    fnni_fit_average_shown(f->model, 0);
    f->started = fnni_seconds() - p->seconds;
    if (p->step > 0) return;
    p->loss_sum = p->score_sum = p->weight_sum = 0;
    p->seen = 0;
}

/* What there is to watch, by its kind. */
typedef struct fnni_monitor {
    int sign, validates; /* -1 where smaller is better; whether it needs validation data */
} fnni_monitor;

#define FNNI_MONITOR(kind, figure, sign, validates) {sign, validates},
static const fnni_monitor fnni_monitors[] = {FNN_MONITOR_LIST(FNNI_MONITOR)};
#undef FNNI_MONITOR

/* Whether there is the figure: a score is of outputs that can be compared with what data say. */
static fnn_result fnni_monitor_check(const fnn_model *model, const fnn_dataset *data,
                                     fnn_monitor monitor, fnn_error *error)
{
    if (fnni_monitors[monitor].sign < 0 || fnni_is_scored(model, data)) return FNN_OK;
    return fnni_fail(error, FNN_ERROR_ARGUMENT,
                     "monitor: expected a loss, found a score, which these outputs and data lack");
}

/* What a fit watches, greater for better. */
static double fnni_watched(const fnn_fit_config *c, const fnn_epoch *e)
{
    switch (c->monitor) {
#define FNNI_MONITOR_CASE(kind, figure, sign, validates) \
    case kind: return sign * e->figure;
        FNN_MONITOR_LIST(FNNI_MONITOR_CASE)
#undef FNNI_MONITOR_CASE
    case FNN_MONITOR_COUNT: break;
    }
    return FNNI_NAN;
}

/* Whether value improves on the best so far; any number is better than NaN. */
static int fnni_improves(const fnn_fit_config *c, double value, double best)
{
    return value > best + c->min_delta || (best != best && value == value);
}

/* Keeps the best epoch. */
static void fnni_fit_improve(fnni_fit *f, const fnn_epoch *e)
{
    fnni_progress *p = f->progress;
    const fnn_fit_config *c = f->config;
    const double value = fnni_watched(c, e);
    if (c->patience == 0 && !p->best) return;
    p->waited++;
    if (p->waited > 0 && !fnni_improves(c, value, p->best_value)) return;
    p->best_value = value;
    p->waited = 0;
    if (p->best) fnni_trained_keep(f->model, p->best);
}

static int fnni_fit_waited(const fnni_fit *f)
{
    return f->config->patience > 0 && f->progress->waited >= f->config->patience;
}

/* Whether what early stopping watches will be there. */
static fnn_result fnni_fit_check_monitor(const fnn_model *model, const fnn_dataset *data,
                                         const fnn_fit_config *c, fnn_error *error)
{
    const fnni_monitor *monitor = &fnni_monitors[c->monitor];
    if (c->patience == 0 && !c->restore_best) return FNN_OK;
    if (monitor->validates && !c->validation)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "fit: early stopping on validation figures needs validation data");
    return fnni_monitor_check(model, monitor->validates ? c->validation : data, c->monitor, error);
}

FNNI_COLD static fnn_result fnni_fit_check(fnn_model *model, const fnn_dataset *data,
                                           const fnn_fit_config *c, fnn_error *error)
{
    fnn_result result = fnni_check_all(model, data, "data", 1, error);
    if (result) return result;
    if (c->validation) result = fnni_check_all(model, c->validation, "validation", 1, error);
    if (result) return result;
    if (c->batch_size < 1 || c->epochs < 0 || c->steps_per_epoch < 0 || c->patience < 0)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "fit: expected batch_size >= 1 and epochs, steps_per_epoch, patience >= "
                         "0, found %d, %d, %d, %d",
                         c->batch_size, c->epochs, c->steps_per_epoch, c->patience);
    if (c->steps_per_epoch == 0 && fnni_pass_steps(data, c->batch_size) > INT_MAX)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "fit: expected at most %d batches an epoch, found %lld", INT_MAX,
                         (long long)fnni_pass_steps(data, c->batch_size));
    if ((result = fnni_step_check(c, error))) return result;
    if ((result = fnni_schedule_check(&c->schedule, error))) return result;
    result = fnni_augmentation_check(&c->augmentation, data, model->input.height,
                                     model->input.width, model->input.channels, error);
    if (result) return result;
    if (!(c->ema_decay >= 0 && c->ema_decay < 1))
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "fit: expected ema_decay in [0, 1), found %g",
                         c->ema_decay);
    if (!(c->min_delta >= 0))
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "fit: expected min_delta >= 0, found %g",
                         c->min_delta);
    if ((unsigned)c->monitor >= FNN_MONITOR_COUNT)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "fit: expected a monitor, found %d",
                         (int)c->monitor);
    if (c->checkpoint_epochs < 0 || !(c->checkpoint_minutes >= 0))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "fit: expected checkpoint_epochs and checkpoint_minutes >= 0, found %d "
                         "and %g",
                         c->checkpoint_epochs, c->checkpoint_minutes);
    return fnni_fit_check_monitor(model, data, c, error);
}

/* Takes the model's run, gradients, optimiser state and history for this fit. After the first epoch
 * they are there, but a callback may have used them for batches of its own, or asked for more. */
static fnn_result fnni_fit_take(fnni_fit *f)
{
    fnn_model *model = f->model;
    const fnn_fit_config *c = f->config;
    const int batch = f->data->count < c->batch_size ? (int)f->data->count : c->batch_size;
    fnn_result result = fnni_run_make(model, batch);
    if (!result && c->clip_norm > 0) result = fnni_gradients_make(model);
    if (!result) result = fnni_state_make(model, &f->now.optimizer);
    if (!result && !fnni_history_room(model, c->epochs)) result = FNN_ERROR_MEMORY;
    if (result) return result;
    fnni_batch_make(&f->batch, model, f->data, f->order);
    f->batch.config = &f->now;
    model->run.training = 1;
    model->run_ready = 0;
    model->run.augmenter = fnni_augments(&c->augmentation) ? &f->augmenter : NULL;
    return FNN_OK;
}

/* A new fit's progress: what it is a fit of, and memory for what it keeps. */
static fnn_result fnni_progress_begin(fnni_fit *f)
{
    fnni_progress *p = f->progress;
    const fnn_fit_config *c = f->config;
    fnni_progress_forget(f->model);
    p->samples = p->position = f->data->count;
    p->batch_size = c->batch_size;
    p->epoch_steps = c->steps_per_epoch;
    p->shuffle = c->shuffle != 0;
    p->seed = c->seed;
    p->monitor = (int64_t)c->monitor;
    p->updates_then = f->model->updates;
    p->keeps_average = c->ema_decay > 0;
    p->keeps_best = c->restore_best != 0;
    p->waited = -1;
    if (p->keeps_best && !(p->best = fnni_trained_copy(f->model))) return FNN_ERROR_MEMORY;
    if (p->keeps_average && !(p->average = fnni_trained_copy(f->model))) return FNN_ERROR_MEMORY;
    return FNN_OK;
}

/* A number of an earlier fit against that of a configuration. */
static fnn_result fnni_progress_match(fnn_model *model, const char *what, int64_t was, int64_t now)
{
    if (was == now) return FNN_OK;
    return fnni_model_fail(model, FNN_ERROR_ARGUMENT,
                           "resume: %s: expected %lld, as the fit began with, found %lld", what,
                           (long long)was, (long long)now);
}

/* Whether this is the fit that the model's progress is of. */
FNNI_COLD static fnn_result fnni_progress_check(fnn_model *model, const fnn_dataset *data,
                                                const fnn_fit_config *c)
{
    const fnni_progress *p = &model->progress;
    fnn_result r;
    if (p->samples == 0 || p->updates_then != model->updates)
        return fnni_model_fail(
            model, FNN_ERROR_STATE, "resume: expected a model with a fit to go on with, found %s",
            p->samples ? "one trained otherwise since" : "none (fnn_save writes none)");
    r = fnni_progress_match(model, "samples", p->samples, data->count);
    if (!r) r = fnni_progress_match(model, "batch_size", p->batch_size, c->batch_size);
    if (!r) r = fnni_progress_match(model, "steps_per_epoch", p->epoch_steps, c->steps_per_epoch);
    if (!r) r = fnni_progress_match(model, "shuffle", p->shuffle, c->shuffle != 0);
    if (!r) r = fnni_progress_match(model, "monitor", p->monitor, (int64_t)c->monitor);
    if (!r)
        r = fnni_progress_match(model, "averages (ema_decay > 0)", p->keeps_average,
                                c->ema_decay > 0);
    if (!r) r = fnni_progress_match(model, "restore_best", p->keeps_best, c->restore_best != 0);
    if (!r && p->seed != c->seed)
        r = fnni_model_fail(model, FNN_ERROR_ARGUMENT,
                            "resume: seed: expected %llu, as the fit began with, found %llu",
                            (unsigned long long)p->seed, (unsigned long long)c->seed);
    if (!r && model->state_kind != (int)c->optimizer.kind)
        r = fnni_model_fail(model, FNN_ERROR_ARGUMENT,
                            "resume: optimizer: expected %s, as the fit began with, found %s",
                            fnni_optimizer_word(model->state_kind),
                            fnni_optimizer_word((int)c->optimizer.kind));
    return r;
}

/* Everything a fit allocates, before its first step. */
static fnn_result fnni_fit_open(fnni_fit *f, fnn_history *history)
{
    fnn_model *model = f->model;
    const fnn_allocator *a = &model->context.allocator;
    const int64_t done = f->progress->epochs;
    const int epochs = done > f->config->epochs ? (int)done : f->config->epochs;
    fnn_result result = fnni_history_reserve(history, epochs);
    if (result) return result;
    f->order = (int64_t *)fnni_allocate(a, fnni_times((size_t)f->data->count, sizeof *f->order));
    if (!f->order) return FNN_ERROR_MEMORY;
    if ((result = fnni_fit_take(f))) return result;
    f->validation = model->context;
    f->validation.workspace = NULL;
    f->validation.workspace_count = 0;
    if (f->config->validation &&
        !fnni_workspace(&f->validation,
                        fnni_evaluation_space(model, &model->context, f->config->validation)))
        return FNN_ERROR_MEMORY;
    return FNN_OK;
}

static void fnni_fit_close(fnni_fit *f)
{
    const fnn_allocator *a = &f->model->context.allocator;
    f->model->run.augmenter = NULL;
    fnni_release(a, f->order);
    fnni_release(a, f->validation.workspace);
}

/* Whether all still fits behind a callback, which may have changed data and loss. */
static fnn_result fnni_fit_check_again(const fnni_fit *f)
{
    fnn_error *error = &f->model->error;
    if (f->data->count != f->progress->samples)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "fit: expected the %lld samples that it began with, found %lld",
                         (long long)f->progress->samples, (long long)f->data->count);
    return fnni_fit_check(f->model, f->data, f->config, error);
}

/* An epoch of a history as a checkpoint has it. */
static void fnni_epoch_keep(const fnn_epoch *e, double *figures)
{
    const double all[FNNI_EPOCH_FIGURES] = {
        (double)e->epoch,   (double)e->step,     e->loss,    e->score,
        e->validation_loss, e->validation_score, e->seconds, e->learning_rate};
    memcpy(figures, all, sizeof all);
}

/* Whether an epoch of a history has these figures, whatever number the caller has given it. */
static int fnni_epoch_is(const fnn_epoch *e, const double *figures)
{
    double own[FNNI_EPOCH_FIGURES];
    fnni_epoch_keep(e, own);
    return !memcmp(own + 1, figures + 1, sizeof own - sizeof *own);
}

/* Gives a history those epochs of the fit that it lacks: all behind the one that it ends with, or
 * all where it ends with none of them. There is room. */
static void fnni_history_complete(const fnni_progress *p, fnn_history *history)
{
    const fnn_epoch *last = history && history->count ? history->epochs + history->count - 1 : NULL;
    const double *figures = p->history;
    int64_t i = last ? p->epochs : 0;
    while (i > 0 && !fnni_epoch_is(last, figures + FNNI_EPOCH_FIGURES * (i - 1))) i--;
    for (figures += FNNI_EPOCH_FIGURES * i; history && i < p->epochs; i++) {
        fnn_epoch e;
        e.epoch = (int)(i + 1);
        e.step = figures[1] >= 0 && figures[1] < 9e18 ? (int64_t)figures[1] : 0;
        e.loss = figures[2];
        e.score = figures[3];
        e.validation_loss = figures[4];
        e.validation_score = figures[5];
        e.seconds = figures[6];
        e.learning_rate = figures[7];
        fnn_history_append(history, &e);
        figures += FNNI_EPOCH_FIGURES;
    }
}

/* The end of an epoch: its figures, and what is made of them. */
static fnn_result fnni_fit_end_epoch(fnni_fit *f, fnn_history *history, fnn_epoch *e)
{
    fnni_progress *p = f->progress;
    fnn_result result;
    fnni_fit_figures(f, (int)p->epochs + 1, e);
    fnni_fit_average_shown(f->model, 1); /* the epoch's result; the next epoch goes back */
    result = fnni_fit_validate(f, e);
    if (result) return result;
    f->model->run.augmenter = NULL; /* a callback's batches are as they are */
    e->seconds = fnni_seconds() - f->started;
    if (e->seconds < 0) e->seconds = 0;
    fnni_fit_line(f, e);
    if (history) fnn_history_append(history, e); /* fnni_fit_open made room */
    fnni_epoch_keep(e, p->history + FNNI_EPOCH_FIGURES * p->epochs);
    fnni_fit_improve(f, e);
    p->epochs++;
    p->step = 0;
    p->seconds = 0;
    return FNN_OK;
}

/* Epoch by epoch, from where the fit is; `first` is the first one of this call. A callback may have
 * taken itself out of the configuration, so that `called` says whether there was one. */
static fnn_result fnni_fit_epochs(fnni_fit *f, fnn_history *history)
{
    const fnn_fit_config *c = f->config;
    fnni_progress *p = f->progress;
    const int64_t first = p->epochs;
    fnn_result result;
    fnn_epoch e;
    int called = 0;
    while (p->epochs < c->epochs && !fnni_fit_waited(f) && !f->stopped) {
        if (called && (result = fnni_fit_check_again(f))) return result;
        if (p->epochs > first && (result = fnni_fit_take(f))) return result;
        fnni_fit_begin_epoch(f);
        if ((result = fnni_fit_steps(f, (int)p->epochs + 1))) return result;
        if (p->step < fnni_steps_per_epoch(f)) break; /* stopped within it */
        if ((result = fnni_fit_end_epoch(f, history, &e))) return result;
        called = c->callback != NULL;
        if (called && c->callback(c->user, &e)) f->stopped = 1;
        if (p->epochs >= c->epochs || fnni_fit_waited(f) || f->stopped) break;
        if (fnni_fit_due(f) || (c->checkpoint_epochs && p->epochs % c->checkpoint_epochs == 0))
            fnni_fit_write(f);
    }
    return FNN_OK;
}

/* A fit, from where the model's progress says that it is. */
static fnn_result fnni_fit_run(fnni_fit *f, fnn_history *history)
{
    fnn_model *model = f->model;
    const int64_t first = f->progress->epochs;
    fnn_result result;
    fnni_history_complete(f->progress, history);
    if (f->progress->position < f->data->count) fnni_fit_shuffle(f); /* in the midst of a pass */
    fnni_fit_best_shown(model, 0);
    result = fnni_fit_epochs(f, history);
    fnni_fit_average_shown(model, 1);
    fnni_fit_best_shown(model, 1);
    if (result) return result;
    if (f->progress->epochs > first || f->stopped) fnni_fit_write(f);
    if (!f->failure.code) return FNN_OK;
    return fnni_model_fail(model, FNN_ERROR_FILE, "fit: checkpoint: %.200s", f->failure.message);
}

static fnn_result fnni_fit_start(fnn_model *model, const fnn_dataset *data,
                                 const fnn_fit_config *config, fnn_history *history, int resumes)
{
    const fnn_fit_config defaults = fnn_fit_config_init();
    fnn_result result = fnni_begin_outside_fit(model, "fit");
    fnni_fit f;
    int began;
    if (!result) result = fnni_seal(model);
    if (result) return result;
    memset(&f, 0, sizeof f);
    f.model = model;
    f.data = data;
    f.config = config ? config : &defaults;
    f.now = *f.config;
    f.progress = &model->progress;
    f.written = fnni_seconds();
    f.augmenter.draw = &f.config->augmentation;
    f.augmenter.seed = f.config->seed;
    result = fnni_fit_check(model, data, f.config, &model->error);
    if (!result && resumes) result = fnni_progress_check(model, data, f.config);
    if (!result && f.config->checkpoint)
        result = fnni_save_possible(f.config->checkpoint, &model->context.allocator, &model->error);
    if (result) return result;
    if (!resumes) result = fnni_progress_begin(&f);
    if (!result) result = fnni_fit_open(&f, history);
    began = model->fitting = !result;
    if (began) result = fnni_fit_run(&f, history);
    model->fitting = 0;
    fnni_fit_close(&f);
    /* what was gone on with, and could not begin, may be tried again */
    if (result && result != FNN_ERROR_FILE && (began || !resumes)) fnni_progress_forget(model);
    if (result == FNN_ERROR_MEMORY) return fnni_model_fail(model, result, "fit: no memory");
    return result;
}

FNN_DEF fnn_result fnn_fit(fnn_model *model, const fnn_dataset *data, const fnn_fit_config *config,
                           fnn_history *history)
{
    return fnni_fit_start(model, data, config, history, 0);
}

FNN_DEF fnn_result fnn_resume(fnn_model *model, const fnn_dataset *data,
                              const fnn_fit_config *config, fnn_history *history)
{
    return fnni_fit_start(model, data, config, history, 1);
}

/* ============================================================================
 * >>search  grid search and cross-validation, their tables
 * ============================================================================
 * Called by programs. A trial is one training: of a candidate on a fold. The threads take trials in
 * their order, build them under one lock, train them each on a single thread, and note the figures
 * under the lock again. What a trial computes is a function of the search's seed, the candidate and
 * the fold; which thread it ran on, and when, shows in nothing but the seconds.
 * A trial that fails ends the search. All before it have been begun and run to their end, so that
 * the error returned, that of the first in order, does not depend on the threads either.
 * Trials are those of the candidates first, first + every, ... of the configuration; where they are
 * not all, what follows the trials (ranks over all, the refit) is fnn_search_finish's. */

/* An allocator made safe for threads: those of a search share the caller's. */
typedef struct fnni_shared_allocator {
    fnn_allocator inner;
    fnni_lock *lock;
} fnni_shared_allocator;

static void *fnni_shared_allocate(void *user, size_t bytes)
{
    const fnni_shared_allocator *a = (const fnni_shared_allocator *)user;
    void *memory;
    fnni_lock_take(a->lock);
    memory = a->inner.allocate ? a->inner.allocate(a->inner.user, bytes) : FMNIST_NN_MALLOC(bytes);
    fnni_lock_give(a->lock);
    return memory;
}

static void fnni_shared_release(void *user, void *memory)
{
    const fnni_shared_allocator *a = (const fnni_shared_allocator *)user;
    fnni_lock_take(a->lock);
    if (a->inner.release) a->inner.release(a->inner.user, memory);
    else FMNIST_NN_FREE(memory);
    fnni_lock_give(a->lock);
}

static fnn_allocator fnni_shared(fnni_shared_allocator *a, const fnn_allocator *inner,
                                 fnni_lock *lock)
{
    fnn_allocator shared;
    a->inner = *inner;
    a->lock = lock;
    shared.allocate = fnni_shared_allocate;
    shared.release = fnni_shared_release;
    shared.user = a;
    return shared;
}

/* The parts of the data: what a fold's trials train on and are validated with. */
typedef struct fnni_parts_of_data {
    fnn_dataset train, validation;
} fnni_parts_of_data;

/* A search in progress. */
typedef struct fnni_search {
    const fnn_dataset *data;
    const fnn_search_config *config;
    fnn_search *found;
    fnni_parts_of_data *parts; /* (folds) */
    fnn_context_config single; /* of each trial */
    fnni_lock lock, allocation;
    fnni_shared_allocator memory, views;
    int next, ended, trials; /* trials begun, ended, in all */
    int failed;              /* the first trial that failed; trials: none did */
    fnn_error error;         /* its */
    double started;
} fnni_search;

/* One training, from its build to its figures. */
typedef struct fnni_job {
    fnn_trial trial;
    fnn_model *model;
    fnn_fit_config fit;
    fnn_error error;
    int declined;
} fnni_job;

/* ---- text ---- */

/* The label of an axis' value, or NULL. */
static const char *fnni_label_of(const fnn_grid_axis *axis, double value)
{
    int i = 0;
    if (!axis->labels) return NULL;
    while (i < axis->count && axis->values[i] != value) i++;
    return i < axis->count ? axis->labels[i] : NULL;
}

/* A candidate's value on an axis: its label or the number. */
static void fnni_append_value(const fnn_grid_axis *axis, double value, char *text, size_t size,
                              size_t *length)
{
    const char *label = fnni_label_of(axis, value);
    if (label) fnni_append(text, size, length, "%s", label);
    else fnni_append(text, size, length, "%g", value);
}

/* "units 64, rate 0.01" */
static const char *fnni_candidate_text(const fnn_search *s, int candidate, char *text, size_t size)
{
    size_t length = 0;
    int a;
    text[0] = 0;
    for (a = 0; a < s->axis_count; a++) {
        fnni_append(text, size, &length, "%s%s ", a ? ", " : "", s->axes[a].name);
        fnni_append_value(s->axes + a, s->candidates[candidate].values[a], text, size, &length);
    }
    return text;
}

/* Puts candidate and fold before a trial's message. */
static fnn_result fnni_trial_fail(const fnn_search *s, const fnn_trial *t, fnn_error *error,
                                  fnn_result code, const char *message)
{
    char name[100], fold[32] = "refit";
    if (t->fold >= 0) snprintf(fold, sizeof fold, "fold %d", t->fold);
    return fnni_fail(error, code, "search: candidate %d (%s), %s: %.100s", t->candidate,
                     fnni_candidate_text(s, t->candidate, name, sizeof name), fold, message);
}

/* ---- a trial ---- */

/* The figure that a monitor names. */
static double *fnni_figure(fnn_figures *f, int monitor)
{
    switch ((fnn_monitor)monitor) {
#define FNNI_FIGURE_CASE(kind, figure, sign, validates) \
    case kind: return &f->figure;
        FNN_MONITOR_LIST(FNNI_FIGURE_CASE)
#undef FNNI_FIGURE_CASE
    case FNN_MONITOR_COUNT: break;
    }
    return NULL;
}

static fnn_figures fnni_no_figures(void)
{
    fnn_figures none;
    none.loss = none.score = none.validation_loss = none.validation_score = FNNI_NAN;
    return none;
}

/* Lets the user build the job's model, for training on `train`. FNN_OK with or without a model: it
 * may be declined. */
static fnn_result fnni_job_build(const fnni_search *s, fnni_job *job, int candidate, int fold,
                                 const fnn_dataset *train, const fnn_context_config *context)
{
    const fnn_error *wrong;
    fnn_error lacks;
    fnn_trial *t = &job->trial;
    t->values = s->found->candidates[candidate].values;
    t->candidate = candidate;
    t->fold = fold;
    t->seed = s->config->seed + (uint64_t)(fold < 0 ? 0 : fold);
    t->train = train;
    job->fit = fnn_fit_config_init();
    job->fit.seed = t->seed;
    job->declined = 0;
    job->model = fnn_sequential_with(context, train->height, train->width, train->channels);
    fnn_set_seed(job->model, t->seed);
    wrong = fnn_model_error(job->model);
    if (!wrong->code) {
        job->declined = s->config->build(s->config->user, t, job->model, &job->fit) != 0;
        if (!job->declined) s->found->score_name = fnni_score_name(job->model, s->data);
        if (wrong->code != FNN_ERROR_MEMORY && (job->declined || !job->model->broken)) {
            if (job->declined ||
                !fnni_monitor_check(job->model, s->data, s->config->monitor, &lacks))
                return FNN_OK;
            wrong = &lacks;
        }
    }
    return fnni_trial_fail(s->found, t, &job->error, wrong->code, wrong->message);
}

/* Fits the model; *diverged is set, and FNN_OK returned, where a loss is not finite. */
static fnn_result fnni_job_fit(const fnni_search *s, fnni_job *job, const fnn_dataset *validation,
                               fnn_history *history, int *diverged)
{
    fnn_result result;
    if (job->fit.checkpoint || job->fit.stop)
        return fnni_trial_fail(s->found, &job->trial, &job->error, FNN_ERROR_ARGUMENT,
                               "expected a fit without checkpoint and stop");
    job->fit.validation = validation;
    result = fnn_fit(job->model, job->trial.train, &job->fit, history);
    *diverged = result == FNN_ERROR_NUMERIC;
    if (!result || *diverged) return FNN_OK;
    return fnni_trial_fail(s->found, &job->trial, &job->error, result,
                           fnn_model_error(job->model)->message);
}

/* The figures of a trained model. */
static fnn_result fnni_job_evaluate(const fnni_search *s, fnni_job *job,
                                    const fnn_dataset *validation, fnn_figures *figures)
{
    fnn_metrics train, held;
    fnn_result result = fnn_evaluate(job->model, NULL, job->trial.train, &train);
    if (!result) result = fnn_evaluate(job->model, NULL, validation, &held);
    if (result)
        return fnni_trial_fail(s->found, &job->trial, &job->error, result, fnn_result_text(result));
    figures->loss = train.loss;
    figures->score = train.score;
    figures->validation_loss = held.loss;
    figures->validation_score = held.score;
    return FNN_OK;
}

static fnn_search_fold *fnni_job_fold(const fnni_search *s, const fnni_job *job)
{
    return s->found->candidates[job->trial.candidate].folds + job->trial.fold;
}

/* Everything between the two locks: writes to the job and its fold alone. */
static void fnni_job_run(const fnni_search *s, fnni_job *job)
{
    const fnn_dataset *validation = &s->parts[job->trial.fold].validation;
    fnn_search_fold *fold = fnni_job_fold(s, job);
    const double started = fnni_seconds();
    int diverged = 0;
    fnn_result result;
    job->fit.verbose = 0;
    result = fnni_job_fit(s, job, validation, &fold->history, &diverged);
    if (!result && !diverged) result = fnni_job_evaluate(s, job, validation, &fold->figures);
    fold->result = diverged ? FNN_ERROR_NUMERIC : result;
    fold->seconds = fnni_seconds() - started;
    if (fold->seconds < 0) fold->seconds = 0;
}

/* ---- candidates ---- */

/* Mean and standard deviation over the folds, summed in their order. */
static void fnni_candidate_figures(fnn_candidate *c, int folds)
{
    int m, f;
    for (m = 0; m < FNN_MONITOR_COUNT; m++) {
        double *mean = fnni_figure(&c->mean, m);
        double *deviation = fnni_figure(&c->deviation, m);
        double sum = 0, squares = 0;
        for (f = 0; f < folds; f++) sum += *fnni_figure(&c->folds[f].figures, m);
        *mean = sum / folds;
        for (f = 0; f < folds; f++) {
            const double e = *fnni_figure(&c->folds[f].figures, m) - *mean;
            squares += e * e;
        }
        *deviation = sqrt(squares / folds);
    }
}

/* What ranks a candidate, greater for better. */
static double fnni_candidate_value(const fnni_search *s, fnn_candidate *c)
{
    const fnn_monitor m = s->config->monitor;
    return fnni_monitors[m].sign * *fnni_figure(&c->mean, (int)m);
}

/* What decides between equals, smaller for better; not finite is larger than all numbers. */
static double fnni_candidate_loss(const fnni_search *s, const fnn_candidate *c)
{
    const double loss =
        fnni_monitors[s->config->monitor].validates ? c->mean.validation_loss : c->mean.loss;
    return loss - loss == 0 ? loss : HUGE_VAL;
}

/* All folds of a candidate are trained. */
static void fnni_candidate_finish(const fnni_search *s, fnn_candidate *c)
{
    int f, diverged = 0;
    double value;
    fnni_candidate_figures(c, s->found->folds);
    for (f = 0; f < s->found->folds; f++) diverged |= c->folds[f].result != FNN_OK;
    value = fnni_candidate_value(s, c);
    diverged |= !(value - value == 0);
    c->state = diverged ? FNN_CANDIDATE_DIVERGED : FNN_CANDIDATE_TRAINED;
}

/* Whether a comes before b, which is the later one in the grid's order when `later`. */
static int fnni_candidate_beats(const fnni_search *s, fnn_candidate *a, fnn_candidate *b, int later)
{
#define FNNI_CANDIDATE_GROUP(state, word, group) group,
    static const int groups[] = {FNN_CANDIDATE_LIST(FNNI_CANDIDATE_GROUP)};
    const int x = groups[a->state], y = groups[b->state];
    double value_a, value_b, loss_a, loss_b;
    if (x != y || x != 0) return x < y || (x == y && later);
    value_a = fnni_candidate_value(s, a);
    value_b = fnni_candidate_value(s, b);
    if (value_a != value_b) return value_a > value_b;
    loss_a = fnni_candidate_loss(s, a);
    loss_b = fnni_candidate_loss(s, b);
    return loss_a < loss_b || (loss_a == loss_b && later);
}

static void fnni_search_rank(const fnni_search *s)
{
    fnn_search *found = s->found;
    int i, j;
    found->best = -1;
    for (i = 0; i < found->count; i++) {
        fnn_candidate *c = found->candidates + i;
        c->rank = 1;
        for (j = 0; j < found->count; j++)
            if (j != i) c->rank += fnni_candidate_beats(s, found->candidates + j, c, j < i);
        if (c->rank == 1 && c->state == FNN_CANDIDATE_TRAINED) found->best = i;
    }
}

static int fnni_search_states(const fnn_search *found, fnn_candidate_state state)
{
    int i, count = 0;
    for (i = 0; i < found->count; i++) count += found->candidates[i].state == state;
    return count;
}

/* ---- progress ---- */

#define FNNI_CANDIDATE_WORD(state, word, group) #word,
static const char *const fnni_state_names[] = {FNN_CANDIDATE_LIST(FNNI_CANDIDATE_WORD)};

/* Mean and deviation as tables show them. */
static void fnni_append_figure(const fnn_search *found, const char *format, double mean,
                               double deviation, char *text, size_t size, size_t *length)
{
    char number[32];
    snprintf(number, sizeof number, format, mean);
    fnni_append(text, size, length, "%s", number);
    if (found->folds < 2) return;
    snprintf(number, sizeof number, format, deviation);
    fnni_append(text, size, length, " +- %s", number);
}

/* On a terminal how far it has come, in the line that the next one overwrites. */
static void fnni_search_bar(const fnni_search *s)
{
    const double spent = fnni_seconds() - s->started;
    if (!s->config->verbose || !fnni_terminal()) return;
    fprintf(stderr, "\r\033[Ksearch: %d of %d trainings, %.0f s left ", s->ended, s->trials,
            s->ended ? spent * (s->trials - s->ended) / s->ended : 0.0);
    fflush(stderr);
}

static void fnni_search_line(const fnni_search *s, int candidate)
{
    const fnn_search *found = s->found;
    const fnn_candidate *c = found->candidates + candidate;
    char name[160], figure[80];
    size_t length = 0;
    if (!s->config->verbose) return;
    fnni_append_figure(found, "%.4f", c->mean.validation_score, c->deviation.validation_score,
                       figure, sizeof figure, &length);
    fprintf(stderr, "%scandidate %d/%d  %s  ", fnni_terminal() ? "\r\033[K" : "", candidate + 1,
            found->count, fnni_candidate_text(found, candidate, name, sizeof name));
    if (c->state == FNN_CANDIDATE_TRAINED)
        fprintf(stderr, "%.2f s  validation %s %s\n", c->seconds, found->score_name, figure);
    else fprintf(stderr, "%s\n", fnni_state_names[c->state]);
}

/* ---- trials in order ---- */

/* Whether this search trains a part of the grid only. */
static int fnni_search_is_part(const fnn_search_config *c)
{
    return c->first > 0 || c->every > 1;
}

/* How many of `count` candidates it trains. */
static int fnni_search_own(const fnn_search_config *c, int count)
{
    return c->first < count ? (count - 1 - c->first) / c->every + 1 : 0;
}

static int fnni_trial_candidate(const fnni_search *s, int trial)
{
    return s->config->first + trial / s->found->folds * s->config->every;
}

/* The first trial in order that failed is the one reported; none is begun after it. */
static void fnni_search_failed(fnni_search *s, const fnni_job *job)
{
    const int own = (job->trial.candidate - s->config->first) / s->config->every;
    const int trial = own * s->found->folds + job->trial.fold;
    if (trial < s->failed) s->error = job->error;
    if (trial < s->failed) s->failed = trial;
    s->next = s->trials;
}

/* A candidate has its last fold behind it, or was declined. */
static void fnni_search_finished(fnni_search *s, int candidate)
{
    const fnn_search_config *c = s->config;
    fnni_search_line(s, candidate);
    if (c->callback && c->callback(c->user, s->found, candidate)) s->next = s->trials;
}

/* Takes the next trial that is not declined and builds it; 0 when there is none. The lock is
 * held. */
static int fnni_search_next(fnni_search *s, fnni_job *job)
{
    const int folds = s->found->folds;
    while (s->next < s->trials) {
        const int trial = s->next++;
        const int candidate = fnni_trial_candidate(s, trial), fold = trial % folds;
        fnn_candidate *c = s->found->candidates + candidate;
        s->ended += c->state == FNN_CANDIDATE_SKIPPED;
        if (c->state == FNN_CANDIDATE_SKIPPED) continue;
        if (fnni_job_build(s, job, candidate, fold, &s->parts[fold].train, &s->single)) {
            fnni_search_failed(s, job);
        } else if (job->declined) {
            s->ended++;
            c->state = FNN_CANDIDATE_SKIPPED;
            fnni_search_finished(s, candidate);
        } else {
            return 1;
        }
        fnn_model_free(job->model);
    }
    return 0;
}

/* Notes what has become of a trial. The lock is held. */
static void fnni_search_note(fnni_search *s, fnni_job *job)
{
    fnn_search_fold *fold = fnni_job_fold(s, job);
    fnn_candidate *c = s->found->candidates + job->trial.candidate;
    fnn_model_free(job->model);
    s->ended++;
    c->seconds += fold->seconds;
    if (fold->result && fold->result != FNN_ERROR_NUMERIC) {
        fnni_search_failed(s, job);
        return;
    }
    c->trained++;
    if (c->trained < s->found->folds || c->state == FNN_CANDIDATE_SKIPPED) return;
    fnni_candidate_finish(s, c);
    fnni_search_finished(s, job->trial.candidate);
}

/* A thread's share: trial after trial until there is none. */
static void fnni_search_part(void *argument, int part, int parts)
{
    fnni_search *s = (fnni_search *)argument;
    fnni_job job;
    (void)part;
    (void)parts;
    memset(&job, 0, sizeof job);
    fnni_lock_take(&s->lock);
    while (fnni_search_next(s, &job)) {
        fnni_search_bar(s);
        fnni_lock_give(&s->lock);
        fnni_job_run(s, &job);
        fnni_lock_take(&s->lock);
        fnni_search_note(s, &job);
    }
    fnni_lock_give(&s->lock);
}

/* ---- the refit ---- */

/* The epoch of a history that its fit held to be the best. */
static int fnni_best_epoch(const fnn_history *h, const fnn_fit_config *fit)
{
    double best = 0;
    int i, epoch = 0;
    for (i = 0; i < h->count; i++) {
        const double value = fnni_watched(fit, h->epochs + i);
        if (i > 0 && !fnni_improves(fit, value, best)) continue;
        best = value;
        epoch = i + 1;
    }
    return epoch;
}

/* Without validation data a fit cannot stop by them: it goes as far as the folds' best epochs, on
 * average. */
static fnn_result fnni_refit_epochs(const fnni_search *s, fnni_job *job)
{
    const fnn_candidate *c = s->found->candidates + s->found->best;
    fnn_fit_config *fit = &job->fit;
    double sum = 0;
    int f;
    if (fit->validation || (fit->patience == 0 && !fit->restore_best)) return FNN_OK;
    if (!fnni_monitors[fit->monitor].validates) return FNN_OK;
    for (f = 0; f < s->found->folds; f++) {
        if (c->folds[f].history.count == 0) /* it was trained elsewhere */
            return fnni_trial_fail(s->found, &job->trial, &job->error, FNN_ERROR_ARGUMENT,
                                   "expected the histories of its folds, found none");
        sum += fnni_best_epoch(&c->folds[f].history, fit);
    }
    fit->epochs = (int)(sum / s->found->folds + .5);
    fit->patience = fit->restore_best = 0;
    return FNN_OK;
}

/* Trains the best on all of the data. The model stays with the search only when it is trained. */
static fnn_result fnni_search_refit(fnni_search *s)
{
    fnn_search *found = s->found;
    fnn_result result;
    fnni_job job;
    int diverged = 0;
    memset(&job, 0, sizeof job);
    result = fnni_job_build(s, &job, found->best, -1, s->data, &s->config->context);
    if (!result && job.declined)
        result =
            fnni_trial_fail(found, &job.trial, &job.error, FNN_ERROR_ARGUMENT, "build declined it");
    if (!result) {
        job.fit.validation = s->config->validation;
        job.fit.verbose = s->config->verbose;
        result = fnni_refit_epochs(s, &job);
    }
    if (!result) result = fnni_job_fit(s, &job, job.fit.validation, &found->history, &diverged);
    if (diverged)
        result = fnni_trial_fail(found, &job.trial, &job.error, FNN_ERROR_NUMERIC,
                                 fnn_model_error(job.model)->message);
    if (result) s->error = job.error;
    if (result) fnn_model_free(job.model);
    else found->model = job.model;
    return result;
}

/* ---- the search ---- */

static fnn_result fnni_search_check_axes(const fnn_grid_axis *axes, int axis_count,
                                         fnn_error *error)
{
    int a;
    if (axis_count < 0 || (axis_count > 0 && !axes))
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "search: %d axes%s", axis_count,
                         axes ? "" : ", and no list of them");
    for (a = 0; a < axis_count; a++) {
        const char *name = axes[a].name ? axes[a].name : "NULL";
        int i;
        if (!axes[a].name || axes[a].count < 1 || !axes[a].values)
            return fnni_fail(
                error, FNN_ERROR_ARGUMENT,
                "search: axis %d (%.80s): expected a name and values, found %d values%s", a, name,
                axes[a].count, axes[a].values ? "" : ", NULL");
        for (i = 0; axes[a].labels && i < axes[a].count; i++)
            if (!axes[a].labels[i])
                return fnni_fail(error, FNN_ERROR_ARGUMENT,
                                 "search: axis %d (%.80s): labels[%d] is NULL", a, name, i);
    }
    return FNN_OK;
}

/* Samples to validate with by a share, 0 where one of the parts would be empty. */
static int64_t fnni_search_held(const fnn_dataset *data, const fnn_search_config *c)
{
    const double held = floor((double)data->count * c->validation_share + .5);
    return held >= 1 && held <= (double)(data->count - 1) ? (int64_t)held : 0;
}

static fnn_result fnni_search_check(const fnn_dataset *data, const fnn_search_config *c,
                                    fnn_error *error)
{
    fnn_result result = fnn_dataset_check(data, error);
    if (!result && c->validation) result = fnn_dataset_check(c->validation, error);
    if (result) return result;
    if (!c->build) return fnni_fail(error, FNN_ERROR_ARGUMENT, "search: build is NULL");
    if ((unsigned)c->monitor >= FNN_MONITOR_COUNT)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "search: expected a monitor, found %d",
                         (int)c->monitor);
    if (c->first < 0 || c->every < 1)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "search: expected first >= 0 and every >= 1, found %d and %d", c->first,
                         c->every);
    if (c->folds < 0 || c->folds == 1 || c->folds > data->count || (c->folds && c->validation))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "search: folds: expected 0, or without validation data 2 to %lld samples, "
                         "found %d",
                         (long long)data->count, c->folds);
    if (!c->folds && !c->validation && !fnni_search_held(data, c))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "search: validation_share %g of %lld samples leaves a part empty",
                         c->validation_share, (long long)data->count);
    return c->validation ? FNN_OK : fnni_order_check(data, c->shuffle, error);
}

static int fnni_search_folds(const fnn_search_config *c)
{
    return c->folds ? c->folds : 1;
}

/* *count = how many candidates there are. */
static fnn_result fnni_search_count(const fnn_grid_axis *axes, int axis_count, int folds,
                                    int *count, fnn_error *error)
{
    double product = folds;
    int a;
    for (a = 0; a < axis_count; a++) product *= axes[a].count;
    if (product > INT_MAX)
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "search: expected at most %d trainings, found %.0f", INT_MAX, product);
    *count = (int)(product / folds);
    return FNN_OK;
}

/* The values of all candidates: the last axis varies fastest, as the digits of a number. */
static void fnni_search_values(const fnn_search *found, double *values)
{
    int i, a;
    for (i = 0; i < found->count; i++) {
        int rest = i;
        for (a = found->axis_count - 1; a >= 0; a--) {
            const fnn_grid_axis *axis = found->axes + a;
            values[(size_t)i * (size_t)found->axis_count + (size_t)a] =
                axis->values[rest % axis->count];
            rest /= axis->count;
        }
    }
}

/* Takes the memory of the candidates and fills in what they are. candidates[0].values and .folds
 * are those of all. */
static fnn_result fnni_search_make(fnn_search *found, int count)
{
    const fnn_allocator *a = &found->allocator;
    const size_t n = (size_t)count, axes = (size_t)found->axis_count, folds = (size_t)found->folds;
    fnn_candidate *candidates =
        (fnn_candidate *)fnni_allocate(a, fnni_times(n, sizeof *candidates));
    fnn_search_fold *all = (fnn_search_fold *)fnni_allocate(a, fnni_times(n * folds, sizeof *all));
    double *values =
        (double *)fnni_allocate(a, fnni_times(fnni_times(n, axes + 1), sizeof *values));
    size_t i;
    if (!candidates || !all || !values) {
        fnni_release(a, candidates);
        fnni_release(a, all);
        fnni_release(a, values);
        return FNN_ERROR_MEMORY;
    }
    found->candidates = candidates;
    found->count = count;
    fnni_search_values(found, values);
    memset(candidates, 0, n * sizeof *candidates);
    memset(all, 0, n * folds * sizeof *all);
    for (i = 0; i < n * folds; i++) all[i].figures = fnni_no_figures();
    for (i = 0; i < n; i++) {
        candidates[i].values = values + i * axes;
        candidates[i].folds = all + i * folds;
        candidates[i].mean = candidates[i].deviation = fnni_no_figures();
    }
    return FNN_OK;
}

/* One fold's parts; on failure both are zeroed. */
static fnn_result fnni_search_part_make(const fnni_search *s, int fold, fnni_parts_of_data *part)
{
    const fnn_search_config *c = s->config;
    if (c->folds)
        return fnn_dataset_fold(s->data, c->folds, fold, c->shuffle, c->seed, &part->train,
                                &part->validation, NULL);
    if (!c->validation)
        return fnn_dataset_split(s->data, s->data->count - fnni_search_held(s->data, c), c->shuffle,
                                 c->seed, &part->train, &part->validation, NULL);
    part->train = *s->data;
    part->validation = *c->validation;
    memset(part->train.owned, 0, sizeof part->train.owned);
    memset(part->validation.owned, 0, sizeof part->validation.owned);
    return FNN_OK;
}

/* The parts of all folds, whose memory comes from the data's allocator. */
static fnn_result fnni_search_parts_make(fnni_search *s)
{
    const size_t bytes = fnni_times((size_t)s->found->folds, sizeof *s->parts);
    fnn_result result = FNN_OK;
    int f;
    s->parts = (fnni_parts_of_data *)fnni_allocate(&s->config->context.allocator, bytes);
    if (!s->parts) return FNN_ERROR_MEMORY;
    memset(s->parts, 0, bytes);
    for (f = 0; f < s->found->folds && !result; f++) {
        result = fnni_search_part_make(s, f, s->parts + f);
        if (!result)
            s->parts[f].train.allocator =
                fnni_shared(&s->views, &s->data->allocator, &s->allocation);
    }
    return result;
}

static void fnni_search_parts_free(const fnni_search *s)
{
    int f;
    for (f = 0; s->parts && f < s->found->folds; f++) {
        fnn_dataset_free(&s->parts[f].train);
        fnn_dataset_free(&s->parts[f].validation);
    }
    fnni_release(&s->config->context.allocator, s->parts);
}

/* Lets histories, and what a callback saves, draw from the allocator a: the shared one while
 * threads run, then the caller's. */
static void fnni_search_draw_from(fnn_search *found, const fnn_allocator *a)
{
    size_t i, n = (size_t)found->count * (size_t)found->folds;
    for (i = 0; i < n; i++) found->candidates[0].folds[i].history.allocator = *a;
    found->history.allocator = *a;
    found->allocator = *a;
}

/* Why nothing could be trained. */
static fnn_result fnni_search_nothing(const fnni_search *s, fnn_error *error)
{
    const int diverged = fnni_search_states(s->found, FNN_CANDIDATE_DIVERGED);
    return fnni_fail(error, diverged ? FNN_ERROR_NUMERIC : FNN_ERROR_ARGUMENT,
                     "search: of %d candidates none was trained: %d diverged, build declined %d",
                     s->found->count, diverged,
                     fnni_search_states(s->found, FNN_CANDIDATE_SKIPPED));
}

/* All trials, on as many threads as there are. */
static void fnni_search_trials(fnni_search *s, int threads)
{
    fnn_search *found = s->found;
    s->trials = fnni_search_own(s->config, found->count) * found->folds;
    s->failed = s->trials;
    s->single = s->config->context;
    s->single.threads = 1;
    s->single.allocator = fnni_shared(&s->memory, &s->config->context.allocator, &s->allocation);
    fnni_search_draw_from(found, &s->single.allocator);
    fnni_parallel(s->trials < threads ? s->trials : threads, fnni_search_part, s);
    fnni_search_draw_from(found, &s->config->context.allocator);
    fnni_search_rank(s);
}

/* What follows the ranks. */
static fnn_result fnni_search_end(fnni_search *s)
{
    if (s->found->best < 0) return fnni_search_nothing(s, &s->error);
    return s->config->refit ? fnni_search_refit(s) : FNN_OK;
}

/* `found` has its axes and folds; arguments are checked. */
static fnn_result fnni_search_run(fnni_search *s, int count, int threads, fnn_error *error)
{
    fnn_result result = fnni_search_make(s->found, count);
    if (result) return fnni_fail(error, result, "search: no memory for %d candidates", count);
    s->found->best = -1;
    s->started = fnni_seconds();
    fnni_lock_open(&s->lock, threads);
    fnni_lock_open(&s->allocation, threads);
    result = fnni_search_parts_make(s);
    if (result) fnni_fail(&s->error, result, "search: no memory for %d folds", s->found->folds);
    else fnni_search_trials(s, threads);
    fnni_search_parts_free(s);
    fnni_lock_close(&s->allocation);
    fnni_lock_close(&s->lock);
    if (!result && s->failed < s->trials) result = s->error.code;
    else if (!result && !fnni_search_is_part(s->config)) result = fnni_search_end(s);
    s->found->seconds = fnni_seconds() - s->started;
    return result ? fnni_fail(error, result, "%s", s->error.message) : FNN_OK;
}

/* ---- parts of a grid ---- */

/* What fnn_search_finish takes: candidates whose numbers make sense, also those from elsewhere. */
static fnn_result fnni_search_check_parts(const fnn_search *found, const fnn_search_config *c,
                                          fnn_error *error)
{
    int i;
    if (!found->candidates || found->folds != fnni_search_folds(c))
        return fnni_fail(error, FNN_ERROR_ARGUMENT,
                         "search: expected candidates of %d folds, found %s%d",
                         fnni_search_folds(c), found->candidates ? "" : "none, ", found->folds);
    for (i = 0; i < found->count; i++) {
        const fnn_candidate *a = found->candidates + i;
        const int whole = a->state == FNN_CANDIDATE_TRAINED || a->state == FNN_CANDIDATE_DIVERGED;
        if ((unsigned)a->state >= FNN_CANDIDATE_COUNT || a->trained > found->folds ||
            a->trained < (whole ? found->folds : 0))
            return fnni_fail(error, FNN_ERROR_ARGUMENT,
                             "search: candidate %d: expected a state and how many of %d folds are "
                             "trained, found state %d and %d",
                             i, found->folds, (int)a->state, a->trained);
    }
    return FNN_OK;
}

/* Brings candidates from elsewhere to where fnni_search_note leaves those trained here. */
static void fnni_search_take_parts(const fnni_search *s)
{
    int i;
    for (i = 0; i < s->found->count; i++) {
        fnn_candidate *c = s->found->candidates + i;
        if (c->trained == s->found->folds) fnni_candidate_finish(s, c);
    }
}

/* ---- tables ---- */

#define FNNI_TABLE_FIGURES 5 /* columns behind rank and axes */

static void fnni_table_heading(const fnn_search *found, int column, char *text, size_t size)
{
    const int which = column - 1 - found->axis_count;
    if (column == 0) snprintf(text, size, "rank");
    else if (which < 0) snprintf(text, size, "%s", found->axes[column - 1].name);
    else if (which == 0) snprintf(text, size, "validation %s", found->score_name);
    else if (which == 1) snprintf(text, size, "validation loss");
    else if (which == 2) snprintf(text, size, "%s", found->score_name);
    else snprintf(text, size, which == 3 ? "loss" : "seconds");
}

/* What stands in a column of a candidate's row. */
static void fnni_table_cell(const fnn_search *found, const fnn_candidate *c, int column, char *text,
                            size_t size)
{
    const int which = column - 1 - found->axis_count;
    size_t length = 0;
    text[0] = 0;
    if (column == 0) snprintf(text, size, "%d", c->rank);
    else if (which < 0)
        fnni_append_value(found->axes + column - 1, c->values[column - 1], text, size, &length);
    else if (which == 4) snprintf(text, size, "%.1f", c->seconds);
    else if (c->state != FNN_CANDIDATE_TRAINED)
        snprintf(text, size, "%s", which ? "" : fnni_state_names[c->state]);
    else if (which == 0)
        fnni_append_figure(found, "%.4f", c->mean.validation_score, c->deviation.validation_score,
                           text, size, &length);
    else if (which == 1)
        fnni_append_figure(found, "%.4g", c->mean.validation_loss, c->deviation.validation_loss,
                           text, size, &length);
    else if (which == 2) snprintf(text, size, "%.4f", c->mean.score);
    else snprintf(text, size, "%.4g", c->mean.loss);
}

/* The candidate of a rank; as long as there are no ranks, of that place in the grid. */
static const fnn_candidate *fnni_candidate_of_rank(const fnn_search *found, int rank)
{
    int i;
    for (i = 0; i < found->count; i++)
        if (found->candidates[i].rank == rank) return found->candidates + i;
    return found->candidates + rank - 1;
}

/* The table's cell in a row, 0 being the headings, of at most size - 1 characters. */
static void fnni_table_text(const fnn_search *found, int row, int column, char *text, size_t size)
{
    if (row == 0) fnni_table_heading(found, column, text, size);
    else fnni_table_cell(found, fnni_candidate_of_rank(found, row), column, text, size);
}

static int fnni_table_width(const fnn_search *found, int rows, int column)
{
    char cell[80];
    int width = 0, row;
    for (row = 0; row <= rows; row++) {
        fnni_table_text(found, row, column, cell, sizeof cell);
        if ((int)strlen(cell) > width) width = (int)strlen(cell);
    }
    return width;
}

#define FNNI_TABLE_ALIGNED 40 /* columns; what stands further right is as wide as it is */

static size_t fnni_search_table(const fnn_search *found, int most, char *text, size_t size)
{
    const int rows = most > 0 && most < found->count ? most : found->count;
    const int columns = 1 + found->axis_count + FNNI_TABLE_FIGURES;
    int widths[FNNI_TABLE_ALIGNED];
    size_t length = 0;
    char cell[80];
    int row, column;
    for (column = 0; column < columns && column < FNNI_TABLE_ALIGNED; column++)
        widths[column] = fnni_table_width(found, rows, column);
    for (row = 0; row <= rows; row++)
        for (column = 0; column < columns; column++) {
            fnni_table_text(found, row, column, cell, sizeof cell);
            fnni_append(text, size, &length, "%s%*s%s", column ? "  " : "",
                        column < FNNI_TABLE_ALIGNED ? widths[column] : 0, cell,
                        column == columns - 1 ? "\n" : "");
        }
    return length;
}

/* ---- CSV ---- */

/* Whether no thread writes a candidate's folds: it is finished, or the search is. */
static int fnni_candidate_rests(const fnn_candidate *c)
{
    return c->rank > 0 || c->state == FNN_CANDIDATE_TRAINED || c->state == FNN_CANDIDATE_DIVERGED;
}

/* A field of text, quoted where RFC 4180 asks for it. */
static void fnni_emit_field(fnni_writer *w, const char *text)
{
    const int quoted = strpbrk(text, ",\"\r\n") != NULL;
    fnni_emit_text(w, quoted ? ",\"" : ",");
    for (; *text; text++) {
        if (*text == '"') fnni_emit(w, "\"", 1);
        fnni_emit(w, text, 1);
    }
    if (quoted) fnni_emit(w, "\"", 1);
}

/* A field with a number in as many digits as it takes to read it back. */
static void fnni_emit_number(fnni_writer *w, double x)
{
    char text[64];
    int digits = 14;
    if (!(x - x == 0)) {
        fnni_emit_text(w, x > 0 ? ",inf" : x < 0 ? ",-inf" : ",nan");
        return;
    }
    do snprintf(text, sizeof text, "%.*g", ++digits, x);
    while (digits < 17 && strtod(text, NULL) != x);
    fnni_point(text);
    fnni_emit_text(w, ",%s", text);
}

static void fnni_emit_axes(fnni_writer *w, const fnn_search *found)
{
    int a;
    for (a = 0; a < found->axis_count; a++) fnni_emit_field(w, found->axes[a].name);
}

/* A candidate's values, as numbers where they have no label. */
static void fnni_emit_values(fnni_writer *w, const fnn_search *found, const fnn_candidate *c)
{
    int a;
    for (a = 0; a < found->axis_count; a++) {
        const char *label = fnni_label_of(found->axes + a, c->values[a]);
        if (label) fnni_emit_field(w, label);
        else fnni_emit_number(w, c->values[a]);
    }
}

static void fnni_emit_candidate(fnni_writer *w, const fnn_search *found, int i)
{
    fnn_candidate *c = found->candidates + i;
    const int rests = fnni_candidate_rests(c);
    int m, f;
    fnni_emit_text(w, "%d,%d,%s", i, c->rank, fnni_state_names[c->state]);
    fnni_emit_values(w, found, c);
    for (m = 0; m < FNN_MONITOR_COUNT; m++) {
        fnni_emit_number(w, *fnni_figure(&c->mean, m));
        fnni_emit_number(w, *fnni_figure(&c->deviation, m));
    }
    fnni_emit_number(w, c->seconds);
    for (f = 0; f < found->folds; f++) {
        const fnn_figures figures = rests ? c->folds[f].figures : fnni_no_figures();
        fnni_emit_number(w, figures.validation_loss);
        fnni_emit_number(w, figures.validation_score);
    }
    fnni_emit_text(w, "\n");
}

static void fnni_write_candidates(fnni_writer *w, const void *what)
{
#define FNNI_MONITOR_WORD(kind, figure, sign, validates) #figure,
    static const char *const figures[] = {FNN_MONITOR_LIST(FNNI_MONITOR_WORD)};
    const fnn_search *found = (const fnn_search *)what;
    int i;
    fnni_emit_text(w, "candidate,rank,state");
    fnni_emit_axes(w, found);
    for (i = 0; i < FNN_MONITOR_COUNT; i++)
        fnni_emit_text(w, ",%s_mean,%s_deviation", figures[i], figures[i]);
    fnni_emit_text(w, ",seconds");
    for (i = 0; i < found->folds; i++)
        fnni_emit_text(w, ",validation_loss_%d,validation_score_%d", i, i);
    fnni_emit_text(w, "\n");
    for (i = 0; i < found->count; i++) fnni_emit_candidate(w, found, i);
}

static void fnni_emit_history(fnni_writer *w, const fnn_search *found, int i, int fold,
                              const fnn_history *history)
{
    int e;
    for (e = 0; e < history->count; e++) {
        const fnn_epoch *epoch = history->epochs + e;
        fnni_emit_text(w, "%d,%d", i, fold);
        fnni_emit_values(w, found, found->candidates + i);
        fnni_emit_text(w, ",%d,%lld", epoch->epoch, (long long)epoch->step);
        fnni_emit_number(w, epoch->loss);
        fnni_emit_number(w, epoch->score);
        fnni_emit_number(w, epoch->validation_loss);
        fnni_emit_number(w, epoch->validation_score);
        fnni_emit_number(w, epoch->learning_rate);
        fnni_emit_number(w, epoch->seconds);
        fnni_emit_text(w, "\n");
    }
}

static void fnni_write_histories(fnni_writer *w, const void *what)
{
    const fnn_search *found = (const fnn_search *)what;
    int i, f;
    fnni_emit_text(w, "candidate,fold");
    fnni_emit_axes(w, found);
    fnni_emit_text(w, ",epoch,step,loss,score,validation_loss,validation_score,learning_rate,"
                      "seconds\n");
    for (i = 0; i < found->count; i++)
        for (f = 0; f < found->folds && fnni_candidate_rests(found->candidates + i); f++)
            fnni_emit_history(w, found, i, f, &found->candidates[i].folds[f].history);
    fnni_emit_history(w, found, found->best, -1, &found->history);
}

static fnn_result fnni_search_save(fnni_write write, const fnn_search *found, const char *path,
                                   fnn_error *error)
{
    if (!found || !path)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "search: expected a %s, found NULL",
                         found ? "path" : "search");
    return fnni_save_by(write, found, path, &found->allocator, error);
}

FNNI_COLD FNN_DEF fnn_search_config fnn_search_config_init(void)
{
    fnn_search_config config;
    memset(&config, 0, sizeof config);
    config.validation_share = .2;
    config.shuffle = FNN_ORDER_SHUFFLE;
    config.monitor = FNN_MONITOR_VALIDATION_SCORE;
    config.refit = 1;
    config.every = 1;
    config.context = fnn_context_config_init();
    config.context.threads = FNN_THREADS_OPENMP;
    return config;
}

FNNI_COLD FNN_DEF fnn_result fnn_grid_search(const fnn_dataset *data, const fnn_grid_axis *axes,
                                             int axis_count, const fnn_search_config *config,
                                             fnn_search *search, fnn_error *error)
{
    fnn_context context;
    fnni_search s;
    fnn_result result;
    int count = 0;
    if (search) memset(search, 0, sizeof *search);
    if (!search || !config)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "search: %s is NULL",
                         search ? "config" : "search");
    search->best = -1;
    memset(&s, 0, sizeof s);
    result = fnni_search_check_axes(axes, axis_count, error);
    if (!result) result = fnni_search_check(data, config, error);
    if (!result) result = fnni_context_open(&context, &config->context, error);
    if (!result)
        result = fnni_search_count(axes, axis_count, fnni_search_folds(config), &count, error);
    if (result) return result;
    s.data = data;
    s.config = config;
    s.found = search;
    search->folds = fnni_search_folds(config);
    search->axes = axes;
    search->axis_count = axis_count;
    search->score_name = fnni_has_classes(data) ? "accuracy" : "R2";
    search->allocator = config->context.allocator;
    return fnni_search_run(&s, count, context.threads, error);
}

FNNI_COLD FNN_DEF fnn_result fnn_search_finish(const fnn_dataset *data,
                                               const fnn_search_config *config, fnn_search *search,
                                               fnn_error *error)
{
    const double started = fnni_seconds();
    fnni_search s;
    fnn_result result;
    if (!search || !config)
        return fnni_fail(error, FNN_ERROR_ARGUMENT, "search: %s is NULL",
                         search ? "config" : "search");
    result = fnni_search_check(data, config, error);
    if (!result) result = fnni_search_check_parts(search, config, error);
    if (result) return result;
    memset(&s, 0, sizeof s);
    s.data = data;
    s.config = config;
    s.found = search;
    fnn_model_free(search->model);
    search->model = NULL;
    fnn_history_free(&search->history);
    fnni_search_take_parts(&s);
    fnni_search_rank(&s);
    result = fnni_search_end(&s);
    search->seconds += fnni_seconds() - started;
    return result ? fnni_fail(error, result, "%s", s.error.message) : FNN_OK;
}

FNNI_COLD FNN_DEF void fnn_search_free(fnn_search *search)
{
    int i;
    if (!search) return;
    for (i = 0; search->candidates && i < search->count * search->folds; i++)
        fnn_history_free(&search->candidates[0].folds[i].history);
    if (search->candidates) {
        fnni_release(&search->allocator, search->candidates[0].folds);
        fnni_release(&search->allocator, (void *)(uintptr_t)search->candidates[0].values);
    }
    fnni_release(&search->allocator, search->candidates);
    fnn_history_free(&search->history);
    fnn_model_free(search->model);
    memset(search, 0, sizeof *search);
}

FNNI_COLD FNN_DEF size_t fnn_search_table(const fnn_search *search, int most, char *text,
                                          size_t size)
{
    if (size > 0) text[0] = 0;
    return search && search->count > 0 ? fnni_search_table(search, most, text, size) : 0;
}

FNNI_COLD FNN_DEF fnn_result fnn_search_save_csv(const fnn_search *search, const char *path,
                                                 fnn_error *error)
{
    return fnni_search_save(fnni_write_candidates, search, path, error);
}

FNNI_COLD FNN_DEF fnn_result fnn_search_save_histories(const fnn_search *search, const char *path,
                                                       fnn_error *error)
{
    return fnni_search_save(fnni_write_histories, search, path, error);
}

#endif /* !FNNI_KERNELS_ALONE */
#endif /* FMNIST_NN_IMPLEMENTATION: the rooms below the kernels */

/* ============================================================================
 * Revisions
 *     0.2.0  One concept, one page; the API tidied once before 1.0: see MIGRATION.
 *     0.1.0  first version
 *
 * Licence: at your choice, either of these.
 *
 * MIT No Attribution (MIT-0). Copyright (c) 2026 the fmnist_nn authors.
 *     Permission is hereby granted, free of charge, to any person obtaining a copy of this software
 *     and associated documentation files (the "Software"), to deal in the Software without
 *     restriction, including without limitation the rights to use, copy, modify, merge, publish,
 *     distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
 *     Software is furnished to do so.
 *     THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING
 *     BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
 *     NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
 *     DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING
 *     FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
 *
 * Public domain (unlicense.org).
 *     This is free and unencumbered software released into the public domain. Anyone is free to
 *     copy, modify, publish, use, compile, sell, or distribute this software, either in source code
 *     form or as a compiled binary, for any purpose, commercial or non-commercial, and by any
 *     means.
 * ============================================================================ */
