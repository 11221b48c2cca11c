namespace Dolmen.Checkpoints;

/// <summary>The model families that config.json can name, key by key. Defaults are those of each family's own configuration class in
/// transformers 5. docs/guides/model-families.md shows this table, and a test holds the two equal.</summary>
public static class ModelFamilies
{
    private const string RopeNote = "rotary positions, see below";
    private const string ActivationNote = "the activation of the feed-forward, one of the names below";

    /// <summary>Keys that every configuration may have and that change nothing of what is computed.</summary>
    public static IReadOnlyList<string> HarmlessEverywhere { get; } =
    [
        // What the folder is and how it was stored; ids of tokens are read beside the configuration.
        "_name_or_path",
        "architectures",
        "bos_token_id",
        "decoder_start_token_id",
        "dtype",
        "eos_token_id",
        "finetuning_task",
        "is_decoder",
        "max_sequence_length",
        "model_max_length",
        "model_type",
        "name_or_path",
        "pad_token_id",
        "prefix",
        "sep_token_id",
        "seq_length",
        "tokenizer_class",
        "torch_dtype",
        "transformers_version",
        "transformers.js_config",
        "unk_token_id",
        "unsloth_fixed",
        "unsloth_version",
        // Training.
        "aux_loss_alpha",
        "attention_dropout",
        "attention_probs_dropout_prob",
        "attn_dropout",
        "attn_pdrop",
        "classifier_dropout",
        "dropout",
        "embd_pdrop",
        "embedding_dropout",
        "gradient_checkpointing",
        "hidden_dropout",
        "hidden_dropout_prob",
        "initializer_factor",
        "initializer_range",
        "mlp_dropout",
        "output_router_logits",
        "resid_pdrop",
        "router_aux_loss_coef",
        "router_jitter_noise",
        "use_gradient_checkpointing",
        "z_loss_coefficient",
        // How results come back, and how they are computed.
        "_attn_implementation",
        "_attn_implementation_autoset",
        "_attn_implementation_internal",
        "_flash_attn_2_enabled",
        "attn_implementation",
        "base_model_pp_plan",
        "base_model_tp_plan",
        "chunk_size_feed_forward",
        "fused_rms_norm",
        "head_dtype",
        "keys_to_ignore_at_inference",
        "num_logits_to_keep",
        "output_attentions",
        "output_hidden_states",
        "pretraining_tp",
        "return_dict",
        "return_dict_in_generate",
        "tensor_parallel",
        "torchscript",
        "use_bfloat16",
        "use_cache",
        "use_flash_attention",
        "use_flash_attention_2",
        "use_flash_attn",
        "use_fused_rms_norm",
        "use_return_dict",
        // Labels of classifiers, and generation settings that old files keep here.
        "bad_words_ids",
        "begin_suppress_tokens",
        "do_sample",
        "diversity_penalty",
        "early_stopping",
        "encoder_no_repeat_ngram_size",
        "exponential_decay_length_penalty",
        "forced_bos_token_id",
        "forced_eos_token_id",
        "id2label",
        "label2id",
        "length_penalty",
        "max_length",
        "max_new_tokens",
        "min_length",
        "no_repeat_ngram_size",
        "num_beam_groups",
        "num_beams",
        "num_labels",
        "num_return_sequences",
        "output_scores",
        "problem_type",
        "remove_invalid_values",
        "repetition_penalty",
        "suppress_tokens",
        "task_specific_params",
        "temperature",
        "tf_legacy_loss",
        "top_k",
        "top_p",
        "typical_p",
        // Heads for drafting several tokens, which decoding one token at a time does not ask.
        "num_mtp_layers", "num_nextn_predict_layers",
    ];

    /// <summary>Keys of other families that change what a model computes, with the values that change nothing (besides null).</summary>
    public static IReadOnlyDictionary<string, string> NeutralElsewhere { get; } =
        new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["add_cross_attention"] = "false",
            ["alibi"] = "false",
            ["attention_bias"] = "false",
            ["attention_chunk_size"] = "",
            ["attention_multiplier"] = "",
            ["attn_logit_softcapping"] = "",
            ["attn_temperature_tuning"] = "false, 0",
            ["clip_qkv"] = "",
            ["compression_config"] = "",
            ["cross_attention_hidden_size"] = "",
            ["embedding_multiplier"] = "1",
            ["final_logit_softcapping"] = "",
            ["hidden_activation"] = "",
            ["is_encoder_decoder"] = "false",
            ["logit_scale"] = "1",
            ["logits_scaling"] = "1",
            ["max_window_layers"] = "",
            ["mlp_bias"] = "false",
            ["no_rope_layer_interval"] = "",
            ["no_rope_layers"] = "",
            ["num_experts"] = "0, 1",
            ["num_kv_shared_layers"] = "0",
            ["num_local_experts"] = "0, 1",
            ["partial_rotary_factor"] = "1",
            ["pruned_heads"] = "{}",
            ["qk_layernorm"] = "false",
            ["qk_norm"] = "false",
            ["quantization_config"] = "",
            ["query_pre_attn_scalar"] = "",
            ["residual_multiplier"] = "1",
            ["rope_interleave"] = "false",
            ["rope_interleaved"] = "false",
            ["rope_local_base_freq"] = "",
            ["rotary_pct"] = "1",
            ["scale_depth"] = "",
            ["scale_emb"] = "1",
            ["sliding_window"] = "",
            ["sliding_window_pattern"] = "",
            ["tie_encoder_decoder"] = "false",
            ["use_parallel_residual"] = "false",
            ["use_qk_norm"] = "false",
            ["use_sliding_window"] = "false",
        };

    /// <summary>The kinds of rotary scaling, with the keys each may have.</summary>
    public static IReadOnlyDictionary<string, string[]> ScalingKinds => RotaryFields.Kinds;

    public static IReadOnlyList<ModelFamily> All { get; } =
    [
        new(
            "llama",
            "LlamaForCausalLM",
            [
                .. Transformer(4096, 11008, "null", 2048, "1e-6", 32000),
                Honoured("rope_theta", "10000.0", RopeNote),
                Honoured("attention_bias", "false", "biases on all four projections of attention"),
                Honoured("mlp_bias", "false", "biases in the feed-forward"),
                Fixed("layer_types", "", "every layer must be 'full_attention'"),
            ]
        ),
        new(
            "mistral",
            "MistralForCausalLM",
            [
                .. Transformer(4096, 14336, "8", 131072, "1e-6", 32000),
                Honoured("rope_theta", "10000.0", RopeNote),
                Honoured("sliding_window", "4096", "how far every layer sees; null sees all"),
                Fixed("layer_types", "", "every layer must be of the kind that sliding_window makes it"),
            ]
        ),
        new(
            "qwen2",
            "Qwen2ForCausalLM",
            [
                .. Transformer(4096, 22016, "32", 32768, "1e-6", 151936),
                Honoured("rope_theta", "10000.0", RopeNote),
                .. QwenWindows,
                Fixed("qkv_bias", "true", "queries, keys and values always have biases"),
            ]
        ),
        new(
            "qwen3",
            "Qwen3ForCausalLM",
            [
                .. Transformer(4096, 22016, "32", 32768, "1e-6", 151936, "128"),
                Honoured("rope_theta", "10000.0", RopeNote),
                .. QwenWindows,
                Honoured("attention_bias", "false", "biases on all four projections of attention"),
                Fixed("use_qk_norm", "true", "queries and keys always have their norms"),
                Fixed("qk_norm", "true", "queries and keys always have their norms"),
            ]
        ),
        new(
            "mixtral",
            "MixtralForCausalLM",
            [
                .. Transformer(4096, 14336, "8", 131072, "1e-5", 32000),
                Honoured("rope_theta", "1000000.0", RopeNote),
                Honoured("sliding_window", null, "how far every layer sees; missing or null sees all"),
                Honoured("num_local_experts", "8", "experts of a layer", "num_experts"),
                Honoured("num_experts_per_tok", "2", "experts a token meets"),
                Honoured("router_aux_loss_coef", "0.001", "weight of the load-balancing loss in training"),
                Fixed("layer_types", "", "every layer must be of the kind that sliding_window makes it"),
            ]
        ),
        new(
            "gpt2",
            "GPT2LMHeadModel",
            [
                Honoured("vocab_size", "50257"),
                Honoured("n_embd", "768", "width", "hidden_size"),
                Honoured("n_layer", "12", "layers", "num_hidden_layers"),
                Honoured("n_head", "12", "heads", "num_attention_heads"),
                Honoured("n_inner", null, "width of the feed-forward; missing or null is four times n_embd"),
                Honoured("n_positions", "1024", "context", "max_position_embeddings"),
                Honoured("activation_function", "\"gelu_new\"", ActivationNote),
                Honoured("layer_norm_epsilon", "1e-5"),
                Honoured("tie_word_embeddings", "true", "the embedding serves as head"),
                Honoured("scale_attn_weights", "true", "scores are divided by the root of the head size"),
                Honoured("scale_attn_by_inverse_layer_idx", "false", "scores are divided by the layer's number, from 1"),
                .. Harmless(
                    "reorder_and_upcast_attn",
                    "n_ctx",
                    "summary_activation",
                    "summary_first_dropout",
                    "summary_proj_to_labels",
                    "summary_type",
                    "summary_use_proj"
                ),
            ]
        ),
        new("mamba", "MambaForCausalLM", [.. Mamba]),
        new(
            "falcon_mamba",
            "FalconMambaForCausalLM",
            [.. Mamba, Honoured("mixer_rms_eps", "1e-6", "of the norms on Δ, B and C"), .. Harmless("use_falcon_mambapy")]
        ),
        new(
            "mamba2",
            "Mamba2ForCausalLM",
            [
                Honoured("vocab_size", "32768"),
                Honoured("hidden_size", "4096"),
                Honoured("num_hidden_layers", "64"),
                Honoured("num_heads", "128"),
                Honoured("head_dim", "64"),
                Honoured("expand", "2", "num_heads times head_dim must be expand times hidden_size"),
                Honoured("state_size", "128"),
                Honoured("n_groups", "8"),
                Honoured("conv_kernel", "4"),
                Honoured("layer_norm_epsilon", "1e-5"),
                Honoured("use_bias", "false"),
                Honoured("use_conv_bias", "true"),
                Honoured("tie_word_embeddings", "false", "the embedding serves as head"),
                Honoured("time_step_limit", null, "bounds of the step size; missing is 0 and infinity"),
                Fixed("hidden_act", "\"silu\", \"swish\"", "only SiLU is run"),
                Fixed("rms_norm", "true", "the gated RMSNorm is always there"),
                Fixed("norm_before_gate", "false", "the norm comes after the gate"),
                .. Harmless(
                    "chunk_size",
                    "intermediate_size",
                    "max_position_embeddings",
                    "rescale_prenorm_residual",
                    "residual_in_fp32",
                    "time_step_floor",
                    "time_step_max",
                    "time_step_min",
                    "time_step_rank"
                ),
            ]
        ),
        new(
            "jamba",
            "JambaForCausalLM",
            [
                Honoured("vocab_size", "65536"),
                Honoured("hidden_size", "4096"),
                Honoured("intermediate_size", "14336"),
                Honoured("num_hidden_layers", "32"),
                Honoured("num_attention_heads", "32"),
                Honoured("num_key_value_heads", "8", "null is num_attention_heads"),
                Honoured("max_position_embeddings", "262144", "context"),
                Honoured("rms_norm_eps", "1e-6"),
                Honoured("tie_word_embeddings", "false", "the embedding serves as head"),
                Honoured("num_experts", "16", "", "num_local_experts"),
                Honoured("num_experts_per_tok", "2"),
                Honoured("router_aux_loss_coef", "0.001", "weight of the load-balancing loss in training"),
                Honoured("attn_layer_period", "8"),
                Honoured("attn_layer_offset", "4"),
                Honoured("expert_layer_period", "2"),
                Honoured("expert_layer_offset", "1"),
                Honoured("mamba_d_state", "16"),
                Honoured("mamba_d_conv", "4"),
                Honoured("mamba_expand", "2"),
                Honoured("mamba_dt_rank", "\"auto\"", "'auto' is hidden_size / 16, rounded up"),
                Honoured("mamba_conv_bias", "true"),
                Honoured("mamba_proj_bias", "false"),
                Fixed("hidden_act", "\"silu\", \"swish\"", "only SiLU is run"),
                Fixed("mamba_inner_layernorms", "true", "the norms on Δ, B and C are always there"),
                .. Harmless("calc_logits_for_entire_prompt", "layers_block_type", "layers_num_experts", "use_mamba_kernels"),
            ]
        ),
    ];

    public static ModelFamily? Find(string modelType) => All.FirstOrDefault(family => family.ModelType == modelType);

    private static ConfigKey[] Mamba =>
        [
            Honoured("vocab_size", "50280"),
            Honoured("hidden_size", "768"),
            Honoured("num_hidden_layers", "32"),
            Honoured("intermediate_size", null, "missing is expand times hidden_size"),
            Honoured("expand", "2"),
            Honoured("time_step_rank", "\"auto\"", "'auto' is hidden_size / 16, rounded up"),
            Honoured("state_size", "16"),
            Honoured("conv_kernel", "4"),
            Honoured("layer_norm_epsilon", "1e-5"),
            Honoured("use_bias", "false"),
            Honoured("use_conv_bias", "true"),
            Honoured("tie_word_embeddings", "true", "the embedding serves as head"),
            Fixed("hidden_act", "\"silu\", \"swish\"", "only SiLU is run"),
            Fixed("rms_norm", "true", "norms are RMSNorm"),
            Fixed("ssm_cfg", "{}", "a layer's own settings are not read from here"),
            .. Harmless(
                "d_inner",
                "d_model",
                "fused_add_norm",
                "mamba_ssm_dtype",
                "max_position_embeddings",
                "n_layer",
                "pad_vocab_size_multiple",
                "rescale_prenorm_residual",
                "residual_in_fp32",
                "time_step_floor",
                "time_step_init_scheme",
                "time_step_max",
                "time_step_min",
                "time_step_scale",
                "use_associative_scan",
                "use_mambapy"
            ),
        ];

    private static ConfigKey[] QwenWindows =>
        [
            Honoured("use_sliding_window", "false", "whether any layer slides"),
            Honoured("sliding_window", "4096", "how far layers that slide see"),
            Honoured("max_window_layers", "28", "layers from this one on slide, where layer_types is missing"),
            Honoured("layer_types", null, "'full_attention' or 'sliding_attention' for each layer"),
        ];

    private static ConfigKey[] Transformer(
        int width, int feedForward, string kvHeads, int context, string epsilon, int vocabulary, string? headDim = null) =>
    [
        Honoured("vocab_size", $"{vocabulary}"), Honoured("hidden_size", $"{width}"), Honoured("intermediate_size", $"{feedForward}"),
        Honoured("num_hidden_layers", "32"), Honoured("num_attention_heads", "32"),
        Honoured("num_key_value_heads", kvHeads == "null" ? null : kvHeads,
            kvHeads == "null" ? "missing or null is num_attention_heads" : "null is num_attention_heads"),
        Honoured("head_dim", headDim, headDim is null ? "missing or null is hidden_size / num_attention_heads" : ""),
        Honoured("hidden_act", "\"silu\"", ActivationNote), Honoured("max_position_embeddings", $"{context}", "context"),
        Honoured("rms_norm_eps", epsilon), Honoured("tie_word_embeddings", "false", "the embedding serves as head"),
        Honoured("rope_scaling", null, RopeNote), Honoured("rope_parameters", null, RopeNote),
        Honoured("original_max_position_embeddings", null, RopeNote),
    ];

    private static ConfigKey Honoured(string name, string? otherwise, string note = "", string? alias = null) =>
        new(name, KeyUse.Honoured, otherwise, note, alias);

    private static ConfigKey Fixed(string name, string values, string rule) => new(name, KeyUse.Fixed, values, rule);

    private static IEnumerable<ConfigKey> Harmless(params string[] names) => names.Select(name => new ConfigKey(name, KeyUse.Harmless));
}
