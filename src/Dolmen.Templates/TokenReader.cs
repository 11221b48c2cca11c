using System.Runtime.CompilerServices;

namespace Dolmen.Templates;

/// <summary>Walks through a template's tokens.</summary>
internal sealed class TokenReader(List<Token> tokens)
{
    private const int Deepest = 120;

    private int _at, _depth;

    public Token Current => tokens[_at];

    /// <summary>Names that were read since the parser of a macro set this.</summary>
    public HashSet<string> Uses { get; set; } = new(StringComparer.Ordinal);

    public int LoopDepth { get; set; }

    public Token Next()
    {
        var token = tokens[_at];
        if (token.Kind != TokenKind.End) _at++;
        return token;
    }

    public bool Is(string operation) => Current.Kind == TokenKind.Operator && Current.Text == operation;

    public bool IsName(string name) => Current.Kind == TokenKind.Name && Current.Text == name;

    public bool FollowedBy(string operation) =>
        _at + 1 < tokens.Count && tokens[_at + 1] is { Kind: TokenKind.Operator } next && next.Text == operation;

    public bool NextIsName(string name) =>
        _at + 1 < tokens.Count && tokens[_at + 1] is { Kind: TokenKind.Name } next && next.Text == name;

    public bool Skip(string operation)
    {
        if (!Is(operation)) return false;
        _at++;
        return true;
    }

    public bool SkipName(string name)
    {
        if (!IsName(name)) return false;
        _at++;
        return true;
    }

    public void Expect(string operation)
    {
        if (!Skip(operation)) throw Error($"{Current} stands where '{operation}' must be");
    }

    public void Expect(TokenKind kind)
    {
        if (Current.Kind != kind) throw Error($"{Current} stands where {new Token(kind, "", 0)} must be");
        Next();
    }

    public string ExpectName(string what)
    {
        if (Current.Kind != TokenKind.Name) throw Error($"{Current} stands where {what} must be");
        return Next().Text;
    }

    public TemplateException Error(string what) => new(what, Current.Line);

    public void Enter()
    {
        if (++_depth > Deepest || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw Error($"expressions or blocks are nested more than {Deepest} levels deep");
    }

    public void Leave() => _depth--;
}
