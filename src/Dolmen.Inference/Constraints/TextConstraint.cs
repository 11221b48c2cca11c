using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Inference.Constraints.Json;
using Dolmen.Tokenization;

namespace Dolmen.Inference.Constraints;

/// <summary>What a generated text must be, compiled for one tokenizer. Any number of sequences may follow it at once, from any
/// threads.</summary>
public sealed class TextConstraint
{
    private readonly Tokenizer _tokenizer;
    private readonly VocabularyBytes _vocabulary;
    private readonly GrammarMachine _machine;
    private readonly Lock _lock = new();
    private TokenMask? _withoutSpace;

    private TextConstraint(GrammarProgram program, Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        _vocabulary = VocabularyBytes.Of(tokenizer);
        // A place keeps two bits of bookkeeping a byte value and a mask of one bit a token: at most about 64 MB of masks.
        _machine = new GrammarMachine(program, Math.Clamp((64 << 20) / (_vocabulary.Count / 8 + 2500), 200, 20_000));
    }

    /// <summary>A text that the regular expression matches as a whole.</summary>
    /// <exception cref="UserErrorException">The pattern is not understood or too large.</exception>
    public static TextConstraint Regex(string pattern, Tokenizer tokenizer) => Of(RegexReader.Whole(pattern), null, tokenizer);

    /// <summary>One of these texts.</summary>
    /// <exception cref="UserErrorException">There is none, or one is empty.</exception>
    public static TextConstraint Choice(IReadOnlyList<string> texts, Tokenizer tokenizer)
    {
        if (texts.Count == 0 || texts.Any(text => text.Length == 0))
            throw new UserErrorException("A choice needs at least one text, and none of them empty.");
        return Of(new Expression.Choice([.. texts.Select(Expression.Text)]), null, tokenizer);
    }

    /// <summary>A grammar in the syntax of llama.cpp's GBNF; its rule <c>root</c> is the text.</summary>
    /// <exception cref="UserErrorException">The grammar is not understood, calls itself before anything else, or is too large.</exception>
    public static TextConstraint Grammar(string grammar, Tokenizer tokenizer)
    {
        var rules = GbnfReader.Read(grammar);
        return Of(new Expression.Call(GbnfReader.Root), rules, tokenizer);
    }

    /// <summary>A JSON value that is valid under the schema; see <see cref="SchemaReader"/> for what is understood.</summary>
    /// <param name="before">Stands before the value, and <paramref name="after"/> behind it.</param>
    /// <param name="several">Further values may follow, each on a line of its own.</param>
    /// <exception cref="UserErrorException">The schema says what cannot be held, or contradicts itself.</exception>
    public static TextConstraint JsonSchema(
        JsonElement schema, Tokenizer tokenizer, string before = "", string after = "", bool several = false)
    {
        var (root, rules) = SchemaReader.Read(schema);
        root = new Expression.Sequence([Expression.Text(before), root, Expression.Text(after)]);
        if (several)
        {
            var next = new Expression.Sequence([Expression.Text("\n"), root]);
            root = new Expression.Sequence([root, new Expression.Repetition(next, 0, null)]);
        }
        return Of(root, rules, tokenizer);
    }

    /// <summary>Any JSON object.</summary>
    public static TextConstraint JsonObject(Tokenizer tokenizer) =>
        Of(new Expression.Call(JsonExpressions.Object), JsonExpressions.AnyValue, tokenizer);

    /// <summary>Follows one text from its beginning.</summary>
    /// <param name="dropsSpace">The first token is shown without its leading space, as SentencePiece's decoder does at the beginning of
    /// a text.</param>
    internal ConstraintCursor Begin(bool dropsSpace = false) => new(this, _machine.Start, dropsSpace);

    internal TokenMask Mask(GrammarPlace place, bool dropsSpace, int remaining)
    {
        lock (_lock)
        {
            var known = dropsSpace ? _withoutSpace ??= Find(place, dropsSpace, int.MaxValue)
                : place.Mask ??= Find(place, dropsSpace, int.MaxValue);
            // Near its limit the text may only go on in ways that end within it; where there is none and it cannot end now, nothing holds
            // it.
            if (known.Furthest < remaining || place.ShortestToEnd > remaining) return known;
            var within = Find(place, dropsSpace, remaining);
            return within.IsEmpty && !place.Accepts ? known : within;
        }
    }

    internal GrammarPlace? Next(GrammarPlace place, int token, bool dropsSpace)
    {
        lock (_lock)
        {
            var bytes = Shown(token, dropsSpace);
            if (bytes.Length == 0) return dropsSpace ? place : null;
            GrammarPlace? next = place;
            foreach (var value in bytes)
            {
                if (next is not null) next = _machine.Next(next, value);
            }
            return next;
        }
    }

    private TokenMask Find(GrammarPlace place, bool dropsSpace, int remaining)
    {
        var mask = new TokenMask(_vocabulary.Count);
        if (!dropsSpace)
        {
            _vocabulary.Walk(_machine, place, Allow);
            return mask;
        }
        for (var token = 0; token < _vocabulary.Count; token++)
        {
            if (_tokenizer.IsSpecial(token) || Shown(token, dropsSpace).Length == 0) continue;
            if (Next(place, token, dropsSpace) is { } next) Allow(token, next);
        }
        return mask;

        void Allow(int token, GrammarPlace next)
        {
            if (next.ShortestToEnd < remaining) mask.Allow(token, next.ShortestToEnd);
        }
    }

    private ReadOnlySpan<byte> Shown(int token, bool dropsSpace)
    {
        var bytes = _tokenizer.BytesOf(token);
        return dropsSpace && bytes is [(byte)' ', ..] ? bytes[1..] : bytes;
    }

    private static TextConstraint Of(Expression root, IReadOnlyDictionary<string, Expression>? rules, Tokenizer tokenizer) =>
        new(GrammarCompiler.Compile(root, rules ?? new Dictionary<string, Expression>()), tokenizer);
}
