namespace Dolmen.Templates;

/// <summary>
/// A Jinja template, set up as transformers sets it up. It is read once and rendered from any number of threads. Rendering touches no
/// file, no clock but the one given and no .NET object, and costs a bounded number of steps and characters.
/// </summary>
public sealed class Template
{
    private readonly IReadOnlyList<Statement> _body;

    private Template(IReadOnlyList<Statement> body) => _body = body;

    /// <exception cref="TemplateException">The text breaks Jinja's rules; the exception names the line.</exception>
    public static Template Parse(string source) => new(TemplateParser.Parse(source));

    /// <param name="variables">The names that the template may use.</param>
    /// <param name="clock">For <c>strftime_now</c>, which is given the time in UTC.</param>
    /// <exception cref="TemplateException">The template refuses the variables, or cannot render them; the exception names the
    /// line.</exception>
    public Text Render(Scope variables, TimeProvider clock)
    {
        var rendering = new Rendering(variables, clock);
        try
        {
            Statement.ExecuteAll(_body, rendering);
        }
        catch (TemplateException error) when (error.Line == 0)
        {
            error.Line = rendering.Line;
            throw;
        }
        return rendering.Output.ToText();
    }
}
