using Dolmen.Tokenization;

namespace Dolmen.Inference.Constraints;

/// <summary>Keeps the forms that were asked for last, so that asking again costs nothing. Any thread may use it.</summary>
internal sealed class ConstraintCache(Tokenizer tokenizer, int capacity = 32)
{
    private readonly LinkedList<(string Key, Lazy<TextConstraint> Constraint)> _latestFirst = [];
    private readonly Dictionary<string, LinkedListNode<(string Key, Lazy<TextConstraint> Constraint)>> _known = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <param name="kind">Tells equal texts of different kinds apart.</param>
    /// <param name="text">What the form is compiled from.</param>
    /// <exception cref="Artifacts.UserErrorException">It is not understood.</exception>
    public TextConstraint Get(string kind, string text, Func<Tokenizer, TextConstraint> compile)
    {
        var key = $"{kind}\0{text}";
        Lazy<TextConstraint> constraint;
        lock (_lock)
        {
            if (_known.TryGetValue(key, out var node)) _latestFirst.Remove(node);
            else node = _known[key] = new((key, new Lazy<TextConstraint>(() => compile(tokenizer))));
            _latestFirst.AddFirst(node);
            constraint = node.Value.Constraint;
            if (_latestFirst.Count > capacity)
            {
                _known.Remove(_latestFirst.Last!.Value.Key);
                _latestFirst.RemoveLast();
            }
        }
        return constraint.Value;
    }
}
