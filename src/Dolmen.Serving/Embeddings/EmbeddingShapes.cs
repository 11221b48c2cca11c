namespace Dolmen.Serving.Embeddings;

// What OpenAI's API answers with, field by field; snake_case by the serializer's policy.

internal sealed record EmbeddingList(string Object, IReadOnlyList<EmbeddingEntry> Data, string Model, EmbeddingUsage Usage);

internal sealed record EmbeddingEntry(string Object, int Index, EmbeddingVector Embedding);

internal sealed record EmbeddingUsage(int PromptTokens, int TotalTokens);
