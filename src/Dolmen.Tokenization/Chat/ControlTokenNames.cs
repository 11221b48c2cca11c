using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;

namespace Dolmen.Tokenization;

/// <summary>The texts that a tokenizer reads as control tokens where it is asked to.</summary>
internal sealed class ControlTokenNames
{
    private static readonly ConditionalWeakTable<Tokenizer, ControlTokenNames> Known = [];

    private readonly SearchValues<string> _any;

    /// <summary>Longest first, by their first character.</summary>
    private readonly Dictionary<char, string[]> _byFirst;

    private ControlTokenNames(Tokenizer tokenizer)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        names.UnionWith(tokenizer.Added.Where(token => token.Special).Select(token => token.Content));
        for (var id = 0; id < tokenizer.VocabSize && tokenizer.Added.Count == 0; id++)
            if (tokenizer.IsSpecial(id) && Encoding.UTF8.GetString(tokenizer.BytesOf(id)) is { Length: > 0 } name) names.Add(name);
        Marks = [.. tokenizer.Added.Where(token => !token.Special && IsMark(token.Content)).Select(token => token.Content)];
        _any = SearchValues.Create([.. names], StringComparison.Ordinal);
        _byFirst = names
            .GroupBy(name => name[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(name => name.Length).ToArray());
    }

    /// <summary>Added tokens that are not special and yet look as if they were: DeepSeek's "&lt;｜User｜&gt;", Qwen's
    /// "&lt;think&gt;".</summary>
    public IReadOnlyList<string> Marks { get; }

    public static ControlTokenNames Of(Tokenizer tokenizer) => Known.GetValue(tokenizer, one => new ControlTokenNames(one));

    private static bool IsMark(string name) => name.Length > 2 && (name[0], name[^1]) is ('<', '>') or ('[', ']');

    /// <summary>Where the next one begins from <paramref name="start"/> on; −1 where none does.</summary>
    public int Find(string text, int start) => text.AsSpan(start).IndexOfAny(_any) is var at && at < 0 ? -1 : start + at;

    /// <summary>Those that begin at a place, longest first.</summary>
    public IEnumerable<string> At(string text, int start) => _byFirst.TryGetValue(text[start], out var names)
        ? names.Where(name => text.AsSpan(start).StartsWith(name, StringComparison.Ordinal)) : [];
}
