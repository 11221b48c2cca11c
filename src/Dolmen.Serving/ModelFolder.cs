using Dolmen.Tokenization;

namespace Dolmen.Inference;

public sealed record ModelFolder(LanguageModel Model, Tokenizer Tokenizer) : IDisposable
{
    public static ModelFolder Load(string directory) => throw new NotSupportedException();

    public void Dispose() => Model.Dispose();
}
