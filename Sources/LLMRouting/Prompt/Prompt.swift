// SPDX-License-Identifier: MIT

/// A request's messages, as far as routing reads them.
public struct Prompt: Hashable, Sendable {
    /// The conversation so far, oldest first.
    public var messages: [PromptMessage]
    /// The request offers tools to the model.
    public var offersTools: Bool

    public init(messages: [PromptMessage] = [], offersTools: Bool = false) {
        self.messages = messages
        self.offersTools = offersTools
    }

    /// A prompt of one user message.
    public init(_ text: String) {
        self.init(messages: [PromptMessage(role: .user, text: text)])
    }

    /// The text that a task class and a preview are made of: the last message with the role `user`, else the last one.
    public var mainText: String {
        (messages.last { $0.role == .user } ?? messages.last)?.text ?? ""
    }
}

/// One message of a prompt.
public struct PromptMessage: Hashable, Sendable {
    /// Who speaks, in the words of OpenAI's API.
    public enum Role: String, Hashable, Sendable {
        case system, developer, user, assistant, tool
        case other
    }

    /// Who speaks.
    public var role: Role
    /// The text parts, joined by line feeds.
    public var text: String
    /// The content as Python prints it, when it is not a plain string: the old score reads arrays and null that way.
    /// See ``PythonText``.
    public var printedContent: String?
    /// Images, audio, files.
    public var attachments: Int
    /// The message calls tools or carries a tool's result.
    public var usesTools: Bool

    public init(
        role: Role, text: String, printedContent: String? = nil, attachments: Int = 0, usesTools: Bool = false
    ) {
        self.role = role
        self.text = text
        self.printedContent = printedContent
        self.attachments = attachments
        self.usesTools = usesTools || role == .tool
    }
}
