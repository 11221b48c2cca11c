using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Pipeline;

internal sealed record ModelFolder(LanguageModel Model, Tokenizer Tokenizer) : IDisposable
{
    public static ModelFolder Load(string directory) => throw new NotSupportedException(directory);

    public void Dispose() => Model.Dispose();
}
