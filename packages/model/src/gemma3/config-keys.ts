/**
 * Keys of `config.json` that say nothing about what the model computes. Any key that is neither here nor in the schema
 * fails the load: a setting that is silently dropped gives a model that is subtly wrong.
 */

/** Attributes of Transformers' base configuration class; some converters write every one of them, at every level. */
const BASE_CLASS_KEYS = [
  '_attn_implementation_autoset',
  '_name_or_path',
  'add_cross_attention',
  'architectures',
  'bad_words_ids',
  'begin_suppress_tokens',
  'chunk_size_feed_forward',
  'cross_attention_hidden_size',
  'decoder_start_token_id',
  'diversity_penalty',
  'do_sample',
  'dtype',
  'early_stopping',
  'encoder_no_repeat_ngram_size',
  'exponential_decay_length_penalty',
  'finetuning_task',
  'forced_bos_token_id',
  'forced_eos_token_id',
  'id2label',
  'is_decoder',
  'is_encoder_decoder',
  'label2id',
  'length_penalty',
  'max_length',
  'min_length',
  'no_repeat_ngram_size',
  'num_beam_groups',
  'num_beams',
  'num_return_sequences',
  'output_attentions',
  'output_hidden_states',
  'output_scores',
  'prefix',
  'problem_type',
  'pruned_heads',
  'remove_invalid_values',
  'repetition_penalty',
  'return_dict',
  'return_dict_in_generate',
  'sep_token_id',
  'suppress_tokens',
  'task_specific_params',
  'temperature',
  'tf_legacy_loss',
  'tokenizer_class',
  'top_k',
  'top_p',
  'torch_dtype',
  'torchscript',
  'transformers_version',
  'typical_p',
  'use_bfloat16',
] as const

/** Only for training, or about how Transformers stores its cache. */
const TRAINING_KEYS = ['attention_dropout', 'initializer_range', 'cache_implementation', 'use_cache'] as const

/** Written by a fine-tuning tool as its signature. */
const TOOL_KEYS = ['unsloth_fixed', 'unsloth_version'] as const

const EVERYWHERE = [...BASE_CLASS_KEYS, ...TRAINING_KEYS, ...TOOL_KEYS] as const

/** Ignored at the top of a vision-language config. */
export const IGNORED_TOP_KEYS: ReadonlySet<string> = new Set(EVERYWHERE)

/** Ignored in `text_config`, and at the top of a text-only config. */
export const IGNORED_TEXT_KEYS: ReadonlySet<string> = new Set(EVERYWHERE)

/** Ignored in `vision_config`. Gemma reads the last hidden state, so it does not matter whether a pooling head exists. */
export const IGNORED_VISION_KEYS: ReadonlySet<string> = new Set([
  ...EVERYWHERE,
  'bos_token_id',
  'eos_token_id',
  'pad_token_id',
  'projection_dim',
  'tie_word_embeddings',
  'vision_use_head',
])
