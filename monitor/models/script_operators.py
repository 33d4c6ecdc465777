"""The operators that the code of a model file may use: tensor arithmetic, and nothing beside.

Names are those of torch's operators, without overloads. Left out on purpose is what reads or
writes files, starts tasks, keeps state between calls, draws at random, gives memory as
it happens to be, or looks at a tensor's memory otherwise than by its elements.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ATEN = _words(
    """
    abs abs_ add add_ addbmm addcdiv addcmul addmm addmv adaptive_avg_pool1d adaptive_max_pool1d
    all amax amin any append arange argmax argmin argsort atan atan2 avg_pool1d baddbmm
    batch_norm bmm bool broadcast_tensors cat ceil celu chunk clamp clamp_ clamp_max clamp_min
    clone constant_pad_nd contiguous conv1d conv2d conv_transpose1d copy_ cos cosh
    cummax cumprod cumsum detach diff dim div div_ dot dropout dropout_ einsum elu elu_ eq erf exp
    expand
    expand_as expm1 extend feature_dropout flatten flip float floor floor_ floor_divide floordiv
    fmod format frobenius_norm full full_like gather ge gelu glu group_norm gru gt hardsigmoid
    hardswish hardtanh hardtanh_ index_select instance_norm int isfinite isinf isnan item
    layer_norm le leaky_relu leaky_relu_ len lerp linalg_vector_norm linear linspace list log
    log10 log1p log2 log_sigmoid log_softmax logaddexp logical_and logical_not logical_or
    logical_xor logsumexp lstm lt masked_fill masked_fill_ matmul max max_pool1d max_pool2d
    maximum mean median min minimum mish mm movedim mul mul_ mv nan_to_num narrow ne neg
    new_full new_ones new_zeros norm numel ones ones_like pad permute pow prelu reciprocal
    reflection_pad1d relu relu6 relu_ remainder repeat repeat_interleave replication_pad1d
    reshape rms_norm rnn_relu rnn_tanh roll round rsqrt rsub scaled_dot_product_attention select
    selu sigmoid sigmoid_ sign silu silu_ sin sinh size slice softmax softplus sort split
    split_with_sizes sqrt square squeeze stack std std_mean sub sub_ sum t tanh tanh_
    tensor_split to topk transpose tril triu true_divide type_as unbind unflatten unfold
    unsqueeze upsample_linear1d upsample_nearest1d var var_mean view view_as warn where
    zeros zeros_like
    Bool Float FloatImplicit Int IntImplicit ScalarImplicit __and__ __contains__ __derive_index
    __getitem__ __is__ __isnot__ __not__ __or__ __range_length _unwrap_optional
    """
)
PRIM = _words(
    """
    Constant GetAttr If ListConstruct ListUnpack Loop NumToTensor RaiseException TupleConstruct
    TupleIndex TupleSlice TupleUnpack Uninitialized device dtype layout max min ndim shape
    unchecked_cast unchecked_unwrap_optional
    """
)
BUILT_IN = _words(
    "annotate bool float getattr int isinstance len list max min range str unchecked_cast "
    "uninitialized"
)
"""Functions without a module, as the code in a file calls them."""
