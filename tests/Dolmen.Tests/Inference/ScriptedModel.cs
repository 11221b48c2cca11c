using System.Text;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Inference;

/// <summary>Ids 0–255 are bytes, then the special tokens.</summary>
internal sealed class ByteTokenizer : Tokenizer
{
    public override int VocabSize => 263;

    public override SpecialTokens Special { get; } = new(256, 257, 258, 259, 260, 261, 262);

    public override void Encode(ReadOnlySpan<char> text, List<int> output, bool parseSpecial = false)
    {
        foreach (var value in Encoding.UTF8.GetBytes(text.ToString())) output.Add(value);
    }

    public override ReadOnlySpan<byte> BytesOf(int token) =>
        token < 256 ? new byte[] { (byte)token } : Encoding.UTF8.GetBytes(SpecialTokens.Names[token - 256]);
}

/// <summary>Says what it is told to, whatever it is asked; remembers which tokens it was made to compute.</summary>
internal sealed class ScriptedModel(IEnumerable<int> script, int contextLength = 200, bool forgets = true) : LanguageModel
{
    private readonly Queue<int> _script = new(script);

    public List<int> Computed { get; } = [];

    public override ModelConfig Config { get; } = new TransformerConfig(270, 8, 1, 1, 1, 8, 8, contextLength);

    public override DecodeState NewState(int capacity) => new([new Memory(forgets)], capacity);

    public override void Forward(params ReadOnlySpan<SequenceSlice> batch)
    {
        foreach (var slice in batch)
        {
            Assert.True(slice.State.Length + slice.Tokens.Length <= slice.State.Capacity, "more tokens than the state has room for");
            slice.State.Advance(slice.Tokens.Length);
            Computed.AddRange(slice.Tokens.Span);
            var logits = slice.Logits.Span;
            if (logits.IsEmpty) continue;
            logits.Clear();
            logits[265] = 100;                                           // padding of the vocabulary: must never be drawn
            logits[_script.TryDequeue(out var next) ? next : 257] = 10;
        }
    }

    private sealed class Memory(bool forgets) : LayerState
    {
        public override long Bytes => 0;

        public override LayerState Fork() => new Memory(forgets);

        public override bool CanTruncate(int length) => forgets;

        public override void Truncate(int length) { }

        public override void Save(Stream stream) => throw new NotSupportedException();

        public override void Load(Stream stream, int length) => throw new NotSupportedException();
    }
}
