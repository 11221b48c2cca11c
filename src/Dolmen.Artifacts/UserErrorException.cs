namespace Dolmen.Artifacts;

/// <summary>
/// The user's input is wrong: a recipe, a path, a file, a port. The message says what is wrong, the value, the rule and the way out.
/// The command line prints it without a stack and ends with exit code 2.
/// </summary>
public sealed class UserErrorException : Exception
{
    public UserErrorException(string message) : base(message) { }

    public UserErrorException(string message, Exception cause) : base(message, cause) { }
}
