namespace Mesh.Registry.Http.Mail;

/// <summary>A mail could not be sent, or the settings for mails are wrong. The message is for the operator.</summary>
public sealed class MailException(string message, Exception? inner = null) : Exception(message, inner);
